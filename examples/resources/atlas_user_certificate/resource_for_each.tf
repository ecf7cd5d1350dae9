terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "project_id" {
  type    = string
  default = "32b6e34b3d91647abb20e7b8"
}

variable "usernames" {
  type    = set(string)
  default = ["billing", "reports", "search"]
}

resource "atlas_user_certificate" "service" {
  for_each = var.usernames

  project_id = var.project_id
  username   = each.key
}

# A second copy of each key in state.
output "client_pems" {
  value     = { for name, certificate in atlas_user_certificate.service : name => certificate.combined_pem }
  sensitive = true
}
