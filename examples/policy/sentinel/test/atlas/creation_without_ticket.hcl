mock "tfplan/v2" {
  module {
    source = "mock-creation_without_ticket.sentinel"
  }
}

test {
  rules = {
    main                         = false
    only_renewals_without_ticket = false
  }
}
