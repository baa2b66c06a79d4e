import { busResources } from "./buses.ts";
import { dashboardResources } from "./dashboard.ts";
import { type Deployment, type Resolver, readDeployment } from "./deployment.ts";
import { type FunctionRow, functions as rows } from "./functions.ts";
import { handlerNames } from "./handlers.ts";
import { machineResources } from "./machines.ts";
import { roleId, roleOf } from "./roles.ts";
import { machineArn, type Resources } from "./statements.ts";
import { decryptRule, eventsOf } from "./triggers.ts";

/** `functions:` of serverless.yml. */
export async function functions(resolver: Resolver) {
  const deployment = await readDeployment(resolver);
  return Object.fromEntries(handlerNames().map((name) => [name, entryOf(name, deployment)]));
}

/** What of `resources:` follows from the functions, the machines and the parameters. */
export async function resources(resolver: Resolver) {
  const deployment = await readDeployment(resolver);
  return { Conditions: conditionsFor(deployment), Resources: resourcesFor(deployment) };
}

/** What the YAML files leave out of a deployment that is not set up for it. */
export function conditionsFor({ intakeSecrets }: Deployment) {
  const isSetUp = Object.hasOwn(intakeSecrets, "report") ? "yes" : "no";
  return { LeaksCanBeReported: { "Fn::Equals": [isSetUp, "yes"] } } as const;
}

/** The variables that functions/wiring/base.ts reads. */
export async function environment(resolver: Resolver) {
  return environmentFor(await readDeployment(resolver));
}

export function environmentFor(deployment: Deployment): Readonly<Record<string, unknown>> {
  const { environment: name, refreshAllowed, intakeSecrets, githubToken, githubApiBases } = deployment;
  const { pagerdutySecret, slackSecret, docsUrl, auditLockMode, auditLockDays } = deployment;
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
    REKEY_INTAKE_SECRETS: JSON.stringify(intakeSecrets),
    ...(githubToken !== undefined && { REKEY_GITHUB_TOKEN_SECRET: githubToken }),
    REKEY_GITHUB_API_BASES: JSON.stringify(githubApiBases),
    REKEY_PAGE_TOPIC_ARN: { Ref: "AlarmTopic" },
    ...(pagerdutySecret !== undefined && { REKEY_PAGERDUTY_SECRET: pagerdutySecret }),
    ...(slackSecret !== undefined && { REKEY_SLACK_SECRET: slackSecret }),
    ...(docsUrl !== undefined && { REKEY_DOCS_URL: docsUrl }),
  };
}

export function resourcesFor(deployment: Deployment): Resources {
  const roles = Object.entries(rows).map(([name, row]) => [roleId(name), roleOf(name, row, deployment)]);
  return {
    ...Object.fromEntries(roles),
    ...machineResources(deployment),
    ...busResources(deployment),
    ...decryptRule(deployment),
    ...dashboardResources(deployment),
  };
}

function rowOf(name: string): FunctionRow {
  const row = rows[name];
  if (row === undefined) throw new Error(`functions/${name}.ts has no row in serverless/functions.ts`);
  return row;
}

const intakeUrl = { "Fn::GetAtt": ["IntakeLambdaFunctionUrl", "FunctionUrl"] };

function entryOf(name: string, deployment: Deployment) {
  const { does, calledBy, timeoutSeconds, intake } = rowOf(name);
  return {
    name: `rekey-${deployment.environment}-${name}`,
    description: does,
    handler: `dist/${name}.handler`,
    role: roleId(name),
    ...(timeoutSeconds !== undefined && { timeout: timeoutSeconds }),
    ...(intake && { environment: { REKEY_INTAKE_URL: intakeUrl } }),
    logRetentionInDays: deployment.logRetentionDays,
    package: { patterns: ["!**", `dist/${name}.mjs`] },
    ...(calledBy && eventsOf(name, calledBy, deployment)),
  };
}
