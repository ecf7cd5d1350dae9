mock "tfplan/v2" {
  module {
    source = "mock-creation_with_ticket.sentinel"
  }
}

test {
  rules = {
    main = true
  }
}
