output "combined_pem" {
  description = "The certificate and its private key, as tlsCertificateKeyFile wants them. A second copy of the key in state."
  value       = atlas_user_certificate.app.combined_pem
  sensitive   = true
}

output "certificate_id" {
  description = "Atlas' id of the certificate."
  value       = atlas_user_certificate.app.certificate_id
}

output "valid_until" {
  description = "When the certificate expires."
  value       = atlas_user_certificate.app.not_after
}

output "renewed_from" {
  description = "From when on an apply renews it."
  value       = atlas_user_certificate.app.renewal_time
}
