terraform {
  required_providers {
    atlas = {
      source = "example/atlas"
    }
  }
}

resource "atlas_user_certificate" "app" {
  project_id = "32b6e34b3d91647abb20e7b8"
  username   = "app-user"

  # Public keys: whoever has a secret key that belongs to one of them can open the certificate. Made by age-keygen.
  private_key_recipients = [
    "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa",
  ]
}

# Ciphertext: terraform output -raw sealed_pem | age --decrypt -i key.txt > client.pem
output "sealed_pem" {
  value = atlas_user_certificate.app.sealed_pem
}
