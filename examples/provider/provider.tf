terraform {
  required_providers {
    atlas = {
      source = "example/atlas"
    }
  }
}

# The login comes from MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET, so that no secret stands in the configuration.
provider "atlas" {}

# Another organization, with a login of its own.
provider "atlas" {
  alias         = "payments"
  client_id     = var.payments_client_id
  client_secret = var.payments_client_secret
}

variable "payments_client_id" {
  description = "Service account of the organization \"payments\"."
  type        = string
}

variable "payments_client_secret" {
  description = "Secret of that service account."
  type        = string
  sensitive   = true
}
