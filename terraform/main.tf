# The stack is the one that `npm run deploy` makes, from the same template: one description of every resource. What a plan
# cannot show is in CloudFormation's change set; each version of the template has an address of its own, so a plan shows
# at least that there is one.
resource "aws_cloudformation_stack" "rekey" {
  name               = "rekey-${var.environment}"
  template_url       = var.template_url
  parameters         = { CodeBucket = var.code_bucket, CodePrefix = var.code_prefix }
  capabilities       = ["CAPABILITY_NAMED_IAM"]
  iam_role_arn       = var.deployment_role_arn
  on_failure         = "ROLLBACK"
  timeout_in_minutes = var.timeout_minutes
  tags               = merge(var.tags, { Environment = var.environment })

  lifecycle {
    # The ledger, the audit log and the key that signs it outlive the stack; nobody removes it by a mistyped apply.
    prevent_destroy = true
  }
}
