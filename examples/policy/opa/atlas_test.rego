package atlas_test

import rego.v1

import data.atlas

plan(name) := data.plans[name]

test_renewal_passes if {
	count(atlas.deny) == 0 with input as plan("renewal")
}

test_creation_without_ticket_is_denied if {
	atlas.deny == {"atlas_user_certificate.app: issue_reason is \"created\"; set the variable change_ticket"} with input as plan("create")
}

test_creation_with_ticket_passes if {
	ticket := object.union(plan("create"), {"variables": {"change_ticket": {"value": "CHG-1"}}})
	count(atlas.deny) == 0 with input as ticket
}

test_plain_key_in_production_is_denied if {
	production := object.union(plan("renewal"), {"variables": {"environment": {"value": "prod-eu"}}})
	atlas.deny == {"atlas_user_certificate.app: private_key_recipients is required in production, and must be known in the plan"} with input as production
}

test_long_validity_is_denied if {
	atlas.deny == {
		"atlas_user_certificate.app: months_until_expiration is 12, at most 6 is allowed",
		"atlas_user_certificate.app: issue_reason is \"validity_changed\"; set the variable change_ticket",
	} with input as plan("twelve_months")
}

test_unknown_validity_is_denied if {
	unknown := json.patch(plan("renewal"), [
		{"op": "remove", "path": "/resource_changes/0/change/after/months_until_expiration"},
		{"op": "add", "path": "/resource_changes/0/change/after_unknown/months_until_expiration", "value": true},
	])
	atlas.deny == {"atlas_user_certificate.app: months_until_expiration must be known in the plan"} with input as unknown
}

test_many_certificates_are_denied if {
	atlas.deny == {"the plan issues 6 certificates, at most 5 are allowed"} with input as plan("six_renewals")
}

test_a_change_that_issues_nothing_passes if {
	count(atlas.deny) == 0 with input as plan("window_changed")
}
