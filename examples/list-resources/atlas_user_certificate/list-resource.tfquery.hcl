list "atlas_user_certificate" "all" {
  provider = atlas

  config {
    project_id = "32b6e34b3d91647abb20e7b8"
  }

  limit = 1000
}
