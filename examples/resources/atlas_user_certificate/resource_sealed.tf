terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "age_recipient" {
  description = "An age public key (age1...), as age-keygen prints it. The holder of its identity can decrypt the private key."
  type        = string
}

resource "atlas_user_certificate" "app" {
  project_id             = "32b6e34b3d91647abb20e7b8"
  username               = "app-user"
  private_key_recipients = [var.age_recipient]
}

# umask 077 && terraform output -raw sealed_pem | age --decrypt -i key.txt > client.pem
output "sealed_pem" {
  description = "Certificate and private key as age ciphertext."
  value       = atlas_user_certificate.app.sealed_pem
  sensitive   = true
}
