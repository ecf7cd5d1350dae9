# Rules for plans that issue client certificates. See ../README.md.
package atlas

import rego.v1

max_months := 6

max_issued := 5

certificates contains change if {
	some change in input.resource_changes
	change.type == "atlas_user_certificate"
	change.mode == "managed"
}

# Changes that issue a certificate: the ID of the certificate is known only after apply.
issued contains change if {
	some change in certificates
	change.change.after_unknown.certificate_id == true
}

deny contains message if {
	startswith(object.get(input, ["variables", "environment", "value"], ""), "prod")
	some change in issued
	object.get(change.change.after, "private_key_recipients", null) == null
	message := sprintf("%s: private_key_recipients is required in production, and must be known in the plan", [change.address])
}

deny contains message if {
	some change in issued
	months := change.change.after.months_until_expiration
	months > max_months
	message := sprintf("%s: months_until_expiration is %d, at most %d is allowed", [change.address, months, max_months])
}

deny contains message if {
	some change in issued
	change.change.after_unknown.months_until_expiration
	message := sprintf("%s: months_until_expiration must be known in the plan", [change.address])
}

deny contains message if {
	count(issued) > max_issued
	message := sprintf("the plan issues %d certificates, at most %d are allowed", [count(issued), max_issued])
}

deny contains message if {
	object.get(input, ["variables", "change_ticket", "value"], "") == ""
	some change in issued
	reason := object.get(change.change.after, "issue_reason", "unknown")
	reason != "renewal"
	message := sprintf("%s: issue_reason is %q; set the variable change_ticket", [change.address, reason])
}
