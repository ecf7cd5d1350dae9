# Run by: terraform test. The provider for Atlas is the real one; that of the store is a mock, so that no account is needed.
mock_provider "azurerm" {}

variables {
  age_recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"
  age_identity  = "not used in a plan, in which the text to decrypt is not known yet"
  key_vault_id  = "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/app/providers/Microsoft.KeyVault/vaults/app"
}

run "the_plan_issues_one_certificate_and_passes_it_on" {
  command = plan

  assert {
    condition     = atlas_user_certificate.app.issue_reason == "created"
    error_message = "The plan does not create the certificate."
  }
}
