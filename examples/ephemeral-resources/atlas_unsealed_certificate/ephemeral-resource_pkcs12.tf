terraform {
  required_version = ">= 1.11.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "age_recipient" {
  description = "An age public key: age1..."
  type        = string
}

variable "age_identity" {
  description = "The matching age identity (AGE-SECRET-KEY-1...). Set it as TF_VAR_age_identity, for plan and apply."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "keystore_password" {
  description = "Password of the archive, printable ASCII. Set it as TF_VAR_keystore_password, for plan and apply."
  type        = string
  sensitive   = true
  ephemeral   = true
}

resource "atlas_user_certificate" "app" {
  project_id             = "32b6e34b3d91647abb20e7b8"
  username               = "app-user"
  private_key_recipients = [var.age_recipient]
}

# A PKCS#12 archive for Java and .NET. Its bytes differ at each opening, so consumers follow revision.
ephemeral "atlas_unsealed_certificate" "app" {
  sealed_pem      = atlas_user_certificate.app.sealed_pem
  age_identities  = [var.age_identity]
  pkcs12_password = var.keystore_password
}

resource "terraform_data" "keystore" {
  triggers_replace = atlas_user_certificate.app.revision

  provisioner "local-exec" {
    command = "umask 077 && printf '%s' \"$KEYSTORE\" | base64 --decode > client.p12"

    environment = {
      KEYSTORE = ephemeral.atlas_unsealed_certificate.app.pkcs12_base64
    }
  }
}
