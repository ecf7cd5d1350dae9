# The newest unexpired certificate of the user: PROJECT_ID/USERNAME. Percent-encode special characters of the name.
terraform import atlas_user_certificate.app 32b6e34b3d91647abb20e7b8/app-user

# One certificate: PROJECT_ID/USERNAME/CERTIFICATE_ID
terraform import atlas_user_certificate.app 32b6e34b3d91647abb20e7b8/app-user/1976722359483124370

# The form of the official provider: PROJECT_ID-USERNAME, without encoding
terraform import atlas_user_certificate.app 32b6e34b3d91647abb20e7b8-app-user
