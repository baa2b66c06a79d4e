provider "aws" {
  region = "eu-central-1"
}

module "rekey" {
  source = "../.."

  environment  = "production"
  template_url = "https://acme-releases.s3.eu-central-1.amazonaws.com/rekey/0.1.0/production.json"
  code_bucket  = "acme-releases"
}

# The admin credential of a provider. Its value is read when Terraform runs and written to Secrets Manager: an ephemeral
# variable and a write-only argument stand neither in a plan nor in the state. Raise the version to write another value.
variable "openai_admin_key" {
  type      = string
  ephemeral = true
}

resource "aws_secretsmanager_secret" "openai_admin" {
  name = "rekey/admin/openai"
  tags = { Environment = "production" }
}

resource "aws_secretsmanager_secret_version" "openai_admin" {
  secret_id                = aws_secretsmanager_secret.openai_admin.id
  secret_string_wo         = var.openai_admin_key
  secret_string_wo_version = 1
}

# A secret that Rekey rotates is made here and never written again: the next apply must not bring an old key back. Put the
# first key into it once, by hand or with `rekey supply`.
resource "aws_secretsmanager_secret" "billing" {
  name = "api-keys/billing"
  tags = { Environment = "production" }
}

# What a consumer needs: to read its own secret, and to report which key it uses.
data "aws_iam_policy_document" "consumer" {
  statement {
    actions   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    resources = [aws_secretsmanager_secret.billing.arn]
  }
  statement {
    actions   = ["events:PutEvents"]
    resources = [module.rekey.report_bus_arn]
  }
}

# ECS: the execution role reads a secret for `secrets:` in the task definition, the task role for the program itself. Give
# the right to the one that needs it, and to no other.
resource "aws_iam_role_policy" "task" {
  name   = "rekey-consumer"
  role   = "billing-task"
  policy = data.aws_iam_policy_document.consumer.json
}
