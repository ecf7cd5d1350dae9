output "combined_pem" {
  description = "Certificate and private key, for tlsCertificateKeyFile. This output is a second copy of the key in state."
  value       = atlas_user_certificate.app.combined_pem
  sensitive   = true
}

output "certificate_id" {
  description = "The ID of the certificate."
  value       = atlas_user_certificate.app.certificate_id
}

output "valid_until" {
  description = "When the certificate expires."
  value       = atlas_user_certificate.app.not_after
}

output "renewed_from" {
  description = "When the renewal window opens."
  value       = atlas_user_certificate.app.renewal_time
}
