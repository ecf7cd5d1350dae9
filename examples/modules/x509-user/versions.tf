terraform {
  required_version = ">= 1.5.0"

  required_providers {
    atlas = {
      source  = "example/atlas"
      version = "~> 0.1"
    }
  }
}
