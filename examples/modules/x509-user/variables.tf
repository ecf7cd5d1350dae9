variable "project_id" {
  description = "The Atlas project of the database users: 24 lower-case hexadecimal digits."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-f0-9]{24}$", var.project_id))
    error_message = "A project id has 24 lower-case hexadecimal digits."
  }
}

variable "usernames" {
  description = "Names of database users in $external with X.509 type MANAGED. Each gets a certificate of its own."
  type        = set(string)
  nullable    = false

  validation {
    condition     = alltrue([for name in var.usernames : length(trimspace(name)) > 0 && !startswith(upper(name), "CN=")])
    error_message = "Usernames are plain names: not empty, and without CN=."
  }
}

variable "months_until_expiration" {
  description = "How long certificates are valid, in months: 1 to 24."
  type        = number
  default     = 3
  nullable    = false

  validation {
    condition     = contains(range(1, 25), var.months_until_expiration)
    error_message = "A whole number from 1 to 24 is needed."
  }
}

variable "renew_before_days" {
  description = "How many days before the end a certificate is renewed. Unset: a third of its life, 30 days at most."
  type        = number
  default     = null

  validation {
    condition     = var.renew_before_days == null || try(var.renew_before_days >= 0 && floor(var.renew_before_days) == var.renew_before_days, false)
    error_message = "A whole number of days, 0 or more, is needed."
  }
}

variable "rotate_when_changed" {
  description = "Any values; when they change, new certificates are issued in place."
  type        = map(string)
  default     = null
}

variable "private_key_recipients" {
  description = "age public keys (age1...). With them state holds only ciphertext, and sealed_pems is the output to use."
  type        = list(string)
  default     = null

  validation {
    condition     = var.private_key_recipients == null || try(length(var.private_key_recipients) > 0 && alltrue([for key in var.private_key_recipients : startswith(key, "age1")]), false)
    error_message = "At least one age public key (age1...) is needed, or null."
  }
}
