terraform {
  required_providers {
    atlas = {
      source = "example/atlas"
    }
  }
}

variable "age_recipient" {
  description = "An age public key: age1..., as age-keygen prints it. Whoever has its secret key can open the certificate."
  type        = string
}

resource "atlas_user_certificate" "app" {
  project_id             = "32b6e34b3d91647abb20e7b8"
  username               = "app-user"
  private_key_recipients = [var.age_recipient]
}

# umask 077 && terraform output -raw sealed_pem | age --decrypt -i key.txt > client.pem
output "sealed_pem" {
  description = "Ciphertext. Sensitive only to keep its many lines out of plans and logs."
  value       = atlas_user_certificate.app.sealed_pem
  sensitive   = true
}
