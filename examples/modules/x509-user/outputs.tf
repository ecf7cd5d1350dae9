output "client_pems" {
  description = "Certificate and private key by username, as tlsCertificateKeyFile wants them. Empty with private_key_recipients. An output of the root module that passes them on is a second copy of the keys in state."
  value = {
    for username, certificate in atlas_user_certificate.this : username => certificate.combined_pem
    if var.private_key_recipients == null
  }
  sensitive = true
}

output "sealed_pems" {
  description = "The same as age ciphertext by username. Empty without private_key_recipients."
  value = {
    for username, certificate in atlas_user_certificate.this : username => certificate.sealed_pem
    if var.private_key_recipients != null
  }
  # Ciphertext, and no secret; but many lines in every plan.
  sensitive = true
}

output "revisions" {
  description = "A number by username that changes with every new certificate and only then: for *_wo_version arguments and triggers."
  value       = { for username, certificate in atlas_user_certificate.this : username => certificate.revision }
}

output "certificates" {
  description = "What is known about the certificates, by username. Nothing in it is secret."
  value = {
    for username, certificate in atlas_user_certificate.this : username => {
      certificate_id = certificate.certificate_id
      not_after      = certificate.not_after
      renewal_time   = certificate.renewal_time
    }
  }
}
