mock "tfplan/v2" {
  module {
    source = "mock-nothing_issued.sentinel"
  }
}

test {
  rules = {
    main = true
  }
}
