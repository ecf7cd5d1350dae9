mock "tfplan/v2" {
  module {
    source = "mock-plain_key_in_production.sentinel"
  }
}

test {
  rules = {
    main                          = false
    keys_are_sealed_in_production = false
  }
}
