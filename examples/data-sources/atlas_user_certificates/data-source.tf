terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

data "atlas_user_certificates" "all" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = "app-user"
}

data "atlas_user_certificates" "expiring_soon" {
  project_id           = "32b6e34b3d91647abb20e7b8"
  username             = "app-user"
  expiring_within_days = 30
}

# Without a username: every user of the project whose certificates Atlas issues.
data "atlas_user_certificates" "project" {
  project_id           = "32b6e34b3d91647abb20e7b8"
  expiring_within_days = 30
}

output "certificate_ids" {
  value = data.atlas_user_certificates.all.certificates[*].certificate_id
}

output "expiring_soon" {
  value = {
    for certificate in data.atlas_user_certificates.expiring_soon.certificates :
    certificate.certificate_id => certificate.not_after
  }
}

output "users_to_renew" {
  value = distinct(data.atlas_user_certificates.project.certificates[*].username)
}
