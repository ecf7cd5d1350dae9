terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

# The newest unexpired certificate of the user.
data "atlas_user_certificate" "newest" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = "app-user"
}

# One certificate by its ID, a string.
data "atlas_user_certificate" "known" {
  project_id     = "32b6e34b3d91647abb20e7b8"
  username       = "app-user"
  certificate_id = "1976722359483124370"
}

output "valid_until" {
  value = data.atlas_user_certificate.newest.not_after
}
