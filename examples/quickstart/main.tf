# What `cargo xtask quickstart` applies, against a local Atlas. Against the real one it works the same: put in a project and a
# database user of your own, and set MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET.

terraform {
  required_providers {
    atlas = {
      source = "example/atlas"
    }
  }
}

provider "atlas" {}

resource "atlas_user_certificate" "app" {
  project_id              = "32b6e34b3d91647abb20e7b8"
  username                = "app-user"
  months_until_expiration = 3
}
