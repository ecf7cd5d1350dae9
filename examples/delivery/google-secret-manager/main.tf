terraform {
  required_version = ">= 1.11.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
    google = {
      source  = "hashicorp/google"
      version = ">= 6.23"
    }
  }
}

variable "project_id" {
  description = "ID of the Atlas project."
  type        = string
  default     = "32b6e34b3d91647abb20e7b8"
}

variable "age_recipient" {
  description = "The age public key of the pipeline: age1..."
  type        = string
}

variable "age_identity" {
  description = "The matching age identity. Set it as TF_VAR_age_identity, for plan and apply."
  type        = string
  sensitive   = true
  ephemeral   = true
}

resource "atlas_user_certificate" "app" {
  project_id             = var.project_id
  username               = "app-user"
  private_key_recipients = [var.age_recipient]
}

ephemeral "atlas_unsealed_certificate" "app" {
  sealed_pem     = atlas_user_certificate.app.sealed_pem
  age_identities = [var.age_identity]
}

resource "google_secret_manager_secret" "app" {
  secret_id = "mongodb-client-certificate"

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "app" {
  secret                 = google_secret_manager_secret.app.id
  secret_data_wo         = ephemeral.atlas_unsealed_certificate.app.combined_pem
  secret_data_wo_version = atlas_user_certificate.app.revision

  # A new version is created before the old one is destroyed, so that readers always find one.
  lifecycle {
    create_before_destroy = true
  }
}
