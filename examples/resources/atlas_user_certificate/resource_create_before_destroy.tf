terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "username" {
  type    = string
  default = "app-user"
}

# A change of username replaces the resource. With create_before_destroy the certificate of the old user stays in state until the
# certificate of the new user is stored.
resource "atlas_user_certificate" "app" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = var.username

  lifecycle {
    create_before_destroy = true
  }
}
