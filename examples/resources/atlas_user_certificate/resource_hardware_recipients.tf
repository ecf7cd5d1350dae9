terraform {
  required_version = ">= 1.5.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "age_recipient" {
  description = "An age public key that a pipeline can open: age1..."
  type        = string
}

variable "hardware_recipient" {
  description = "An age public key of a YubiKey, a TPM or the Secure Enclave: age1tag1..."
  type        = string
}

# The holder of either identity can open the text. Post-quantum recipients (age1tagpq1...) cannot be combined with these.
resource "atlas_user_certificate" "app" {
  project_id             = "32b6e34b3d91647abb20e7b8"
  username               = "app-user"
  private_key_recipients = [var.age_recipient, var.hardware_recipient]
}

# terraform output -raw sealed_pem | age --decrypt -i identity-of-the-device.txt > client.pem
output "sealed_pem" {
  value     = atlas_user_certificate.app.sealed_pem
  sensitive = true
}
