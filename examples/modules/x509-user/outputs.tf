output "client_pems" {
  description = "Certificate and private key by username, for tlsCertificateKeyFile. Empty with private_key_recipients. An output of the root module that passes them on is a second copy of the keys in state."
  value = {
    for username, certificate in atlas_user_certificate.this : username => certificate.combined_pem
    if var.private_key_recipients == null
  }
  sensitive = true
}

output "sealed_pems" {
  description = "Certificate and private key as age ciphertext, by username. Empty without private_key_recipients."
  value = {
    for username, certificate in atlas_user_certificate.this : username => certificate.sealed_pem
    if var.private_key_recipients != null
  }
  sensitive = true
}

output "revisions" {
  description = "A number by username that changes with every new certificate, and only then: for *_wo_version arguments and triggers. Unknown in a plan that issues."
  value       = { for username, certificate in atlas_user_certificate.this : username => certificate.revision }
}

output "certificates" {
  description = "Public attributes of the certificates, by username. Most are unknown in a plan that issues."
  value = {
    for username, certificate in atlas_user_certificate.this : username => {
      certificate_id          = certificate.certificate_id
      serial_number           = certificate.serial_number
      not_after               = certificate.not_after
      renewal_time            = certificate.renewal_time
      has_private_key         = certificate.has_private_key
      issue_reason            = certificate.issue_reason
      replaces_certificate_id = certificate.replaces_certificate_id
      superseded_certificates = certificate.superseded_certificates
    }
  }
}
