import {
  to = atlas_user_certificate.app
  identity = {
    project_id = "32b6e34b3d91647abb20e7b8"
    username   = "app-user"
  }
}
