terraform {
  required_version = ">= 1.8.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}

variable "connection_string" {
  description = "A connection string of the cluster, with or without a user."
  type        = string
  default     = "mongodb+srv://cluster0.abcde.mongodb.net/?retryWrites=true&w=majority"
}

# mongodb+srv://cluster0.abcde.mongodb.net/?retryWrites=true&w=majority&authMechanism=MONGODB-X509&authSource=%24external
output "uri" {
  value = provider::atlas::x509_uri(var.connection_string)
}

# The same, with the file that holds the certificate and its key.
output "uri_with_file" {
  value = "${provider::atlas::x509_uri(var.connection_string)}&tlsCertificateKeyFile=${urlencode("/etc/app/client.pem")}"
}
