terraform {
  required_version = ">= 1.11.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "pem" {
  description = "Certificate and private key of an imported certificate. Set it as TF_VAR_pem, for plan and apply. It is never stored in plans."
  type        = string
  sensitive   = true
  ephemeral   = true
}

# After an import, which brings no key: stores the key that a secret store still has, without a request for a certificate.
resource "atlas_user_certificate" "app" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = "app-user"

  adopt_pem_wo         = var.pem
  adopt_pem_wo_version = 1
}
