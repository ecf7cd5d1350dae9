# With a local Atlas that issues certificates and has the users billing and reports. Address and credentials are in MONGODB_ATLAS_*.

variables {
  project_id = "32b6e34b3d91647abb20e7b8"
  usernames  = ["billing", "reports"]
}

run "issues_certificates_with_their_keys" {
  assert {
    condition     = alltrue([for pem in values(output.client_pems) : can(regex("BEGIN CERTIFICATE", pem)) && can(regex("BEGIN PRIVATE KEY", pem))])
    error_message = "Each PEM must hold a certificate and a private key."
  }

  assert {
    condition     = length(distinct([for c in values(output.certificates) : c.certificate_id])) == 2
    error_message = "Each user must have a certificate of its own."
  }
}

run "a_first_trigger_issues_nothing" {
  variables {
    rotate_when_changed = { rotation = "1" }
  }
}

run "a_changed_trigger_issues_new_certificates" {
  variables {
    rotate_when_changed = { rotation = "2" }
  }

  assert {
    condition     = alltrue([for c in values(atlas_user_certificate.this) : c.issue_reason == "trigger_changed"])
    error_message = "A changed trigger must issue a new certificate in place."
  }

  assert {
    condition     = alltrue([for c in values(atlas_user_certificate.this) : c.replaces_certificate_id == c.superseded_certificates[0].certificate_id])
    error_message = "The new certificate must name the one that it replaces."
  }
}

run "sealing_takes_the_keys_out_of_state" {
  variables {
    rotate_when_changed    = { rotation = "2" }
    private_key_recipients = ["age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa"]
  }

  assert {
    condition     = alltrue([for pem in values(output.sealed_pems) : startswith(pem, "-----BEGIN AGE ENCRYPTED FILE-----")])
    error_message = "Sealed PEMs must be age ciphertext."
  }

  assert {
    condition     = alltrue([for c in values(atlas_user_certificate.this) : c.combined_pem == null])
    error_message = "No key may be left in plain text."
  }
}
