mock "tfplan/v2" {
  module {
    source = "mock-renewal.sentinel"
  }
}

test {
  rules = {
    main = true
  }
}
