import type { Deployment } from "./deployment.ts";
import { machineArn } from "./statements.ts";

/** The variables that functions/wiring/ reads. */
export function environmentFor(deployment: Deployment): Readonly<Record<string, unknown>> {
  const { environment: name, refreshAllowed, intakeSecrets, githubToken, githubApiBases } = deployment;
  const { peopleRoles, pagerdutySecret, slackSecret, docsUrl, auditLockMode, auditLockDays } = deployment;
  return {
    REKEY_TABLE: { Ref: "Ledger" },
    REKEY_BUS: { Ref: "Bus" },
    REKEY_ALERT_BUS: { Ref: "AlertBus" },
    REKEY_ENVIRONMENT: name,
    REKEY_ROTATION_MACHINE_ARN: machineArn(name, "rotation"),
    REKEY_COMPROMISE_MACHINE_ARN: machineArn(name, "compromise"),
    REKEY_SCHEDULE_GROUP: { Ref: "ScheduleGroup" },
    REKEY_SCHEDULER_ROLE_ARN: { "Fn::GetAtt": ["SchedulerRole", "Arn"] },
    REKEY_SCHEDULE_DLQ_ARN: { "Fn::GetAtt": ["ScheduleDeadLetters", "Arn"] },
    REKEY_AUDIT_BUCKET: { Ref: "AuditBucket" },
    REKEY_AUDIT_KEY_ID: { "Fn::GetAtt": ["AuditKey", "Arn"] },
    REKEY_AUDIT_LOCK_MODE: auditLockMode,
    REKEY_AUDIT_LOCK_DAYS: String(auditLockDays),
    REKEY_REFRESH_ALLOWED: JSON.stringify(refreshAllowed),
    REKEY_PROVIDER_HOSTS: JSON.stringify(deployment.providerHosts),
    REKEY_PEOPLE_ROLES: JSON.stringify(peopleRoles),
    REKEY_TWO_PEOPLE: JSON.stringify(deployment.twoPeople),
    REKEY_ISSUERS: JSON.stringify(deployment.issuers),
    REKEY_SLACK_USERS: JSON.stringify(deployment.slackUsers),
    REKEY_INTAKE_LIMITS: JSON.stringify(deployment.intakeLimits),
    REKEY_INTAKE_SECRETS: JSON.stringify(intakeSecrets),
    ...(githubToken !== undefined && { REKEY_GITHUB_TOKEN_SECRET: githubToken }),
    REKEY_GITHUB_API_BASES: JSON.stringify(githubApiBases),
    REKEY_PAGE_TOPIC_ARN: { Ref: "AlarmTopic" },
    ...(pagerdutySecret !== undefined && { REKEY_PAGERDUTY_SECRET: pagerdutySecret }),
    ...(slackSecret !== undefined && { REKEY_SLACK_SECRET: slackSecret }),
    ...(deployment.auditCollector !== undefined && {
      REKEY_AUDIT_COLLECTOR: JSON.stringify(deployment.auditCollector),
    }),
    ...(deployment.useFips && { AWS_USE_FIPS_ENDPOINT: "true" }),
    ...(deployment.useDualStack && { AWS_USE_DUALSTACK_ENDPOINT: "true" }),
    ...(docsUrl !== undefined && { REKEY_DOCS_URL: docsUrl }),
  };
}
