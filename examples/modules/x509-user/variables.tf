variable "project_id" {
  description = "ID of the Atlas project: 24 lowercase hexadecimal digits."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-f0-9]{24}$", var.project_id))
    error_message = "A project ID has 24 lowercase hexadecimal digits."
  }
}

variable "usernames" {
  description = "Names of database users in $external with the X.509 type MANAGED. Each gets its own certificate."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for name in var.usernames : length(trimspace(name)) > 0 && !startswith(upper(name), "CN=")])
    error_message = "Usernames are plain names: not empty, and without CN=."
  }
}

variable "months_until_expiration" {
  description = "Validity of the certificates in months, 1 to 24."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = contains(range(1, 25), var.months_until_expiration)
    error_message = "Must be a whole number from 1 to 24."
  }
}

variable "renew_before_days" {
  description = "Renew on the first apply within this many days of expiry. If omitted, 35 days, at most half of the lifetime, and a third of lifetimes under 45 days."
  type        = number
  default     = null

  validation {
    condition     = var.renew_before_days == null || try(var.renew_before_days >= 0 && floor(var.renew_before_days) == var.renew_before_days, false)
    error_message = "Must be a whole number of days, 0 or more."
  }
}

variable "rotate_when_changed" {
  description = "Arbitrary values. Changing them issues new certificates in place; adding or removing the map does not."
  type        = map(string)
  default     = null
}

variable "private_key_recipients" {
  description = "age public keys (age1...). If set, state contains only ciphertext, and sealed_pems replaces client_pems."
  type        = list(string)
  default     = null

  validation {
    condition     = var.private_key_recipients == null || try(length(var.private_key_recipients) > 0 && alltrue([for key in var.private_key_recipients : startswith(key, "age1")]), false)
    error_message = "Must be null, or contain at least one age public key (age1...)."
  }
}

variable "auto_renew" {
  description = "Whether certificates are renewed on the first apply inside the renewal window. If false, plans only warn."
  type        = bool
  default     = null
}

variable "timeouts" {
  description = "Timeouts of the operations, such as \"90s\" or \"10m\"."
  type = object({
    create = optional(string)
    read   = optional(string)
    update = optional(string)
  })
  default = null
}
