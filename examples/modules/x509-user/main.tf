resource "atlas_user_certificate" "this" {
  for_each = var.usernames

  project_id              = var.project_id
  username                = each.key
  months_until_expiration = var.months_until_expiration
  renew_before_days       = var.renew_before_days
  rotate_when_changed     = var.rotate_when_changed
  private_key_recipients  = var.private_key_recipients

  lifecycle {
    create_before_destroy = true
  }
}
