terraform {
  required_providers {
    atlas = {
      source = "example/atlas"
    }
  }
}

variable "rotation" {
  description = "Any text; a new text issues a new certificate."
  type        = string
  default     = "2026-q4"
}

resource "atlas_user_certificate" "app" {
  project_id              = "32b6e34b3d91647abb20e7b8"
  username                = "app-user"
  months_until_expiration = 6

  # Renew in the last 60 days, by whichever apply comes first.
  renew_before_days = 60

  # And whenever this changes.
  rotate_when_changed = {
    rotation = var.rotation
  }

  timeouts {
    create = "15m"
    update = "15m"
  }
}

# Older certificates that still authenticate, for those who watch them.
output "still_valid" {
  value = atlas_user_certificate.app.superseded_certificates
}
