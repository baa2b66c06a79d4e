output "admin_url" {
  description = "Where `rekey` sends what people order: REKEY_ADMIN_URL."
  value       = aws_cloudformation_stack.rekey.outputs["AdminUrl"]
}

output "admin_function_arn" {
  description = "What `rekey doctor` asks who may call it: REKEY_ADMIN_FUNCTION."
  value       = aws_cloudformation_stack.rekey.outputs["AdminFunctionArn"]
}

output "rotation_function_arn" {
  description = "The rotation function for secrets whose rotation starts in Secrets Manager"
  value       = aws_cloudformation_stack.rekey.outputs["RotationFunctionArn"]
}

output "intake_url" {
  description = "Where senders post alerts of leaked keys."
  value       = aws_cloudformation_stack.rekey.outputs["IntakeUrl"]
}

output "permit_url" {
  description = "Where `rekey exec --permit-url` asks before it restarts its program."
  value       = aws_cloudformation_stack.rekey.outputs["PermitUrl"]
}

output "table_name" {
  description = "The ledger."
  value       = aws_cloudformation_stack.rekey.outputs["TableName"]
}

output "rotation_machine_arn" {
  description = "The rotation machine."
  value       = aws_cloudformation_stack.rekey.outputs["RotationMachineArn"]
}

output "compromise_machine_arn" {
  description = "The compromise machine."
  value       = aws_cloudformation_stack.rekey.outputs["CompromiseMachineArn"]
}

output "report_bus_arn" {
  description = "Where consumers report: their roles need events:PutEvents on it."
  value       = aws_cloudformation_stack.rekey.outputs["ReportBusArn"]
}

output "audit_bucket_name" {
  description = "Where checkpoints, certificates and reports lie."
  value       = aws_cloudformation_stack.rekey.outputs["AuditBucketName"]
}

output "audit_key_arn" {
  description = "Signs checkpoints of the audit log."
  value       = aws_cloudformation_stack.rekey.outputs["AuditKeyArn"]
}

output "alarm_topic_arn" {
  description = "Subscribe the people on call."
  value       = aws_cloudformation_stack.rekey.outputs["AlarmTopicArn"]
}

output "sweep_function_name" {
  description = "Runs `rekey sweep`."
  value       = aws_cloudformation_stack.rekey.outputs["SweepFunctionName"]
}

output "kit_function_name" {
  description = "Runs `rekey kit export`."
  value       = aws_cloudformation_stack.rekey.outputs["KitFunctionName"]
}

output "configured" {
  description = "What this deployment was told to serve."
  value       = aws_cloudformation_stack.rekey.outputs["Configured"]
}

output "reader_policy_arn" {
  description = "The managed policy of the readers."
  value       = aws_cloudformation_stack.rekey.outputs["ReaderPolicyArn"]
}

output "operator_policy_arn" {
  description = "The managed policy of the operators."
  value       = aws_cloudformation_stack.rekey.outputs["OperatorPolicyArn"]
}

output "supplier_policy_arn" {
  description = "The managed policy of the suppliers."
  value       = aws_cloudformation_stack.rekey.outputs["SupplierPolicyArn"]
}

output "auditor_policy_arn" {
  description = "The managed policy of the auditors."
  value       = aws_cloudformation_stack.rekey.outputs["AuditorPolicyArn"]
}

output "consumer_policy_arn" {
  description = "The managed policy of the consumers."
  value       = aws_cloudformation_stack.rekey.outputs["ConsumerPolicyArn"]
}

output "developer_guard_policy_arn" {
  description = "Only denies: for developers' roles."
  value       = aws_cloudformation_stack.rekey.outputs["DeveloperGuardPolicyArn"]
}
