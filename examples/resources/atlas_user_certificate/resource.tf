terraform {
  required_providers {
    atlas = {
      source = "example/atlas"
    }
  }
}

resource "atlas_user_certificate" "app" {
  project_id              = "32b6e34b3d91647abb20e7b8"
  username                = "app-user"
  months_until_expiration = 3
}

output "client_pem" {
  description = "The file that tlsCertificateKeyFile wants."
  value       = atlas_user_certificate.app.combined_pem
  sensitive   = true
}

output "valid_until" {
  value = atlas_user_certificate.app.not_after
}
