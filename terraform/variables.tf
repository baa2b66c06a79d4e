variable "environment" {
  description = "The stage: one deployment rotates the secrets with the tag Environment of this value, and no others."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,23}$", var.environment))
    error_message = "environment is lower case letters, digits and hyphens, at most 24."
  }
}

variable "template_url" {
  description = "Where the packaged template of this environment lies: an https address of an object in S3 that is never overwritten."
  type        = string

  validation {
    condition     = startswith(var.template_url, "https://")
    error_message = "template_url is an https address."
  }
}

variable "parameters" {
  description = "Parameters of the template, such as where the functions' code lies. None of them is a secret."
  type        = map(string)
  default     = {}
}

variable "deployment_role_arn" {
  description = "The role with which CloudFormation changes the stack; without it, the caller's own rights."
  type        = string
  default     = null
}

variable "tags" {
  description = "Tags of the stack and of everything in it."
  type        = map(string)
  default     = {}
}

variable "timeout_minutes" {
  description = "How long CloudFormation may take before it undoes a creation."
  type        = number
  default     = 30
}
