terraform {
  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

# Credentials are read from MONGODB_ATLAS_CLIENT_ID and MONGODB_ATLAS_CLIENT_SECRET.
provider "atlas" {}

# Another organization, with its own credentials.
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
