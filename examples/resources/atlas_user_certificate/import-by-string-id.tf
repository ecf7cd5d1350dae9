import {
  to = atlas_user_certificate.app
  id = "32b6e34b3d91647abb20e7b8/app-user"
}
