terraform {
  required_version = ">= 1.8.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "certificate_pem" {
  description = "PEM text with one certificate and no private key. For a text with a key, declare the variable as sensitive."
  type        = string
}

locals {
  certificate = provider::atlas::parse_certificate(var.certificate_pem)
}

output "valid_until" {
  value = local.certificate.not_after
}

output "subject" {
  value = local.certificate.subject
}

check "still_valid_for_a_week" {
  assert {
    condition     = timecmp(timeadd(plantimestamp(), "168h"), local.certificate.not_after) < 0
    error_message = "The certificate ${local.certificate.serial_number} ends on ${local.certificate.not_after}."
  }
}
