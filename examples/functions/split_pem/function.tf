terraform {
  required_version = ">= 1.8.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

resource "atlas_user_certificate" "app" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = "app-user"
}

locals {
  parts = provider::atlas::split_pem(atlas_user_certificate.app.combined_pem)
}

output "certificate_pem" {
  value = nonsensitive(local.parts.certificate_pem)
}

# One more copy of the key in state.
output "private_key_pem" {
  value     = local.parts.private_key_pem
  sensitive = true
}
