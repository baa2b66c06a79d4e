variable "environment" {
  description = "The stage: one deployment rotates the secrets with the tag Environment of this value, and no others."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.environment))
    error_message = "environment is lower case letters, digits and hyphens, at most 20."
  }
}

variable "template_url" {
  description = "Where the template of this environment's release lies: an https address of an object in S3 that is never overwritten."
  type        = string

  validation {
    condition     = startswith(var.template_url, "https://")
    error_message = "template_url is an https address."
  }
}

variable "code_bucket" {
  description = "The bucket, in the Region of the stack, that the release's zips were copied to."
  type        = string
}

variable "code_prefix" {
  description = "What the keys of the zips begin with in that bucket: empty, or folders that each end in a slash."
  type        = string
  default     = "rekey/"

  validation {
    condition     = can(regex("^([A-Za-z0-9_.-]+/)*$", var.code_prefix))
    error_message = "code_prefix is empty, or folders that each end in a slash."
  }
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
