terraform {
  required_version = ">= 1.11.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "age_recipient" {
  description = "An age public key: age1..."
  type        = string
}

variable "age_identity" {
  description = "The matching age identity (AGE-SECRET-KEY-1...). Set it as TF_VAR_age_identity, for plan and apply."
  type        = string
  sensitive   = true
  ephemeral   = true
}

# State contains ciphertext only.
resource "atlas_user_certificate" "app" {
  project_id             = "32b6e34b3d91647abb20e7b8"
  username               = "app-user"
  private_key_recipients = [var.age_recipient]
}

# Decrypted for the duration of a run, and never stored.
ephemeral "atlas_unsealed_certificate" "app" {
  sealed_pem     = atlas_user_certificate.app.sealed_pem
  age_identities = [var.age_identity]
}

# Writes certificate and key to a file whenever a certificate is issued. Write-only arguments of other resources take the same
# values, with revision as their version.
resource "terraform_data" "file" {
  triggers_replace = atlas_user_certificate.app.revision

  provisioner "local-exec" {
    command = "umask 077 && printf '%s' \"$PEM\" > client.pem"

    environment = {
      PEM = ephemeral.atlas_unsealed_certificate.app.combined_pem
    }
  }
}
