# terraform query                                      lists the users
# terraform query -generate-config-out=generated.tf    writes import blocks and resources
list "atlas_user_certificate" "all" {
  provider = atlas
  limit    = 1000

  config {
    project_id = "32b6e34b3d91647abb20e7b8"
  }
}

list "atlas_user_certificate" "app" {
  provider         = atlas
  include_resource = true

  config {
    project_id = "32b6e34b3d91647abb20e7b8"
    username   = "app-user"
  }
}
