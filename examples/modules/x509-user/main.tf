resource "atlas_user_certificate" "this" {
  for_each = var.usernames

  project_id              = var.project_id
  username                = each.key
  months_until_expiration = var.months_until_expiration
  renew_before_days       = var.renew_before_days
  auto_renew              = var.auto_renew
  rotate_when_changed     = var.rotate_when_changed
  private_key_recipients  = var.private_key_recipients

  dynamic "timeouts" {
    for_each = var.timeouts == null ? [] : [var.timeouts]

    content {
      create = timeouts.value.create
      read   = timeouts.value.read
      update = timeouts.value.update
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}
