# The module's own logic, with a mocked provider: nothing is issued, and no credentials are needed.

mock_provider "atlas" {}

variables {
  project_id = "32b6e34b3d91647abb20e7b8"
  usernames  = ["billing", "reports"]
}

run "one_certificate_for_each_user" {
  command = plan

  assert {
    condition     = toset(keys(atlas_user_certificate.this)) == toset(["billing", "reports"])
    error_message = "There must be one certificate for each user."
  }

  assert {
    condition     = atlas_user_certificate.this["billing"].months_until_expiration == 3
    error_message = "By default, certificates are valid for 3 months."
  }
}

run "plain_keys_are_in_client_pems" {
  assert {
    condition     = length(output.client_pems) == 2 && length(output.sealed_pems) == 0
    error_message = "Without recipients the PEMs are in client_pems."
  }
}

run "sealed_keys_are_in_sealed_pems" {
  variables {
    private_key_recipients = ["age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa"]
  }

  assert {
    condition     = length(output.client_pems) == 0 && length(output.sealed_pems) == 2
    error_message = "With recipients the PEMs are in sealed_pems."
  }
}

run "bad_input_is_refused" {
  command = plan

  variables {
    project_id              = "nope"
    usernames               = ["CN=billing"]
    months_until_expiration = 25
    renew_before_days       = -1
    private_key_recipients  = []
  }

  expect_failures = [
    var.project_id,
    var.usernames,
    var.months_until_expiration,
    var.renew_before_days,
    var.private_key_recipients,
  ]
}
