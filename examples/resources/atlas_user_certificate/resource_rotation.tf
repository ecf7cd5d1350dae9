terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "rotation" {
  description = "Any text. Changing it issues a new certificate."
  type        = string
  default     = "2026-q4"
}

resource "atlas_user_certificate" "app" {
  project_id              = "32b6e34b3d91647abb20e7b8"
  username                = "app-user"
  months_until_expiration = 6

  # Renew on the first apply within the last 60 days.
  renew_before_days = 60

  # Issue a new certificate whenever a value changes.
  rotate_when_changed = {
    rotation = var.rotation
  }

  timeouts {
    create = "15m"
    update = "15m"
  }
}

# Previous certificates that are still valid.
output "still_valid" {
  value = atlas_user_certificate.app.superseded_certificates
}
