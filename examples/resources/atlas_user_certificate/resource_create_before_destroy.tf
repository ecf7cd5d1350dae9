terraform {
  required_providers {
    atlas = {
      source = "example/atlas"
    }
  }
}

variable "username" {
  type    = string
  default = "app-user"
}

# A change of username replaces the resource. With create_before_destroy the certificate of the old user stays in state until the
# one of the new user is there.
resource "atlas_user_certificate" "app" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = var.username

  lifecycle {
    create_before_destroy = true
  }
}
