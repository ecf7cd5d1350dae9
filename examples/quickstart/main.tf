# `cargo xtask quickstart` applies this configuration against a local stand-in for Atlas. To use it with MongoDB Atlas, enter your
# project ID and database user, and set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET.

terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

provider "atlas" {}

resource "atlas_user_certificate" "app" {
  project_id              = "32b6e34b3d91647abb20e7b8"
  username                = "app-user"
  months_until_expiration = 3
}
