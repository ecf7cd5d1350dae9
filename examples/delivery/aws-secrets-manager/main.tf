terraform {
  required_version = ">= 1.11.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.86"
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

resource "aws_secretsmanager_secret" "app" {
  name = "app/mongodb-client-certificate"
}

resource "aws_secretsmanager_secret_version" "app" {
  secret_id                = aws_secretsmanager_secret.app.id
  secret_string_wo         = ephemeral.atlas_unsealed_certificate.app.combined_pem
  secret_string_wo_version = atlas_user_certificate.app.revision

  # The old version is removed only after the new one exists.
  lifecycle {
    create_before_destroy = true
  }
}
