mock "tfplan/v2" {
  module {
    source = "mock-long_validity.sentinel"
  }
}

test {
  rules = {
    main                = false
    validity_is_limited = false
  }
}
