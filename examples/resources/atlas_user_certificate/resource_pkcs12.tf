terraform {
  required_version = ">= 1.11.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "keystore_password" {
  description = "Set it as TF_VAR_keystore_password, for plan and apply. It is never stored."
  type        = string
  sensitive   = true
  ephemeral   = true
}

resource "atlas_user_certificate" "app" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = "app-user"

  pkcs12_password_wo         = var.keystore_password
  pkcs12_password_wo_version = 1 # increase with every new password
}

# umask 077 && terraform output -raw keystore | base64 --decode > client.p12
output "keystore" {
  value     = atlas_user_certificate.app.pkcs12_base64
  sensitive = true
}
