terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

resource "atlas_user_certificate" "app" {
  project_id              = "32b6e34b3d91647abb20e7b8"
  username                = "app-user"
  months_until_expiration = 3
}

# umask 077 && terraform output -raw client_pem > client.pem
output "client_pem" {
  description = "Certificate and private key, for tlsCertificateKeyFile. This output is a second copy of the key in state."
  value       = atlas_user_certificate.app.combined_pem
  sensitive   = true
}

output "valid_until" {
  value = atlas_user_certificate.app.not_after
}
