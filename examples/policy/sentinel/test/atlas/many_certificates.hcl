mock "tfplan/v2" {
  module {
    source = "mock-many_certificates.sentinel"
  }
}

test {
  rules = {
    main             = false
    few_certificates = false
  }
}
