/** The parameters of one deployment, which is one environment in one account and Region. */
export interface Deployment {
  /** The stage: the value of the `Environment` tag that every secret of this deployment carries. */
  readonly environment: string;
  readonly region: string;
  /** Accounts besides this one whose consumers report here. */
  readonly consumerAccounts: readonly string[];
  /** Names, patterns or ARNs of the secrets that are rotated. */
  readonly secrets: readonly string[];
  /** Names, patterns or ARNs of the secrets that hold admin credentials. */
  readonly adminSecrets: readonly string[];
  /** By source of alerts, the ARN of the secret that it signs with. */
  readonly intakeSecrets: Readonly<Record<string, string>>;
  /** The ARN of the secret with the token that reads the alerts which GitHub points to. */
  readonly githubToken: string | undefined;
  readonly githubApiBases: readonly string[];
  /** The ARN of the secret with PagerDuty's routing key, and of the one with the address of Slack's webhook. */
  readonly pagerdutySecret: string | undefined;
  readonly slackSecret: string | undefined;
  /** Where docs/ can be read; pages link to it. */
  readonly docsUrl: string | undefined;
  /** Customer managed keys that encrypt any of these secrets. */
  readonly secretKeys: readonly string[];
  /** Workloads whose refresh Rekey may start. */
  readonly refreshAllowed: readonly string[];
  readonly auditLockMode: "GOVERNANCE" | "COMPLIANCE";
  readonly auditLockDays: number;
  readonly logRetentionDays: number;
}

/** What osls hands to a function that a variable names. */
export interface Resolver {
  resolveVariable(address: string): Promise<unknown>;
}

export async function readDeployment({ resolveVariable }: Resolver): Promise<Deployment> {
  const list = async (name: string, shape: RegExp) =>
    listIn(name, await resolveVariable(`param:${name}`), shape);
  const environment = String(await resolveVariable("sls:stage"));
  assertShape("stage", environment, /^[a-z][a-z0-9-]{0,19}$/);
  return {
    environment,
    region: String(await resolveVariable("self:provider.region")),
    consumerAccounts: await list("consumerAccounts", /^\d{12}$/),
    secrets: await list("secrets", secretShape),
    adminSecrets: await list("adminSecrets", secretShape),
    intakeSecrets: recordOf(await list("intakeSecrets", /^[a-z]{1,32}=arn:aws[a-z-]*:secretsmanager:\S+$/)),
    githubToken: (await list("githubToken", secretArnShape))[0],
    githubApiBases: await list("githubApiBases", /^https:\/\/[\w./-]+$/),
    pagerdutySecret: (await list("pagerdutySecret", secretArnShape))[0],
    slackSecret: (await list("slackSecret", secretArnShape))[0],
    docsUrl: (await list("docsUrl", /^https:\/\/[\w./-]+\/$/))[0],
    secretKeys: await list("secretKeys", /^arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key\/[\w-]+$/),
    refreshAllowed: await list("refreshAllowed", workloadShape),
    ...(await auditLock({ resolveVariable })),
    logRetentionDays: Number(await resolveVariable("param:logRetentionDays")),
  };
}

async function auditLock({ resolveVariable }: Resolver) {
  const mode = String(await resolveVariable("param:auditLockMode"));
  assertShape("auditLockMode", mode, /^(GOVERNANCE|COMPLIANCE)$/);
  const days = String(await resolveVariable("param:auditLockDays"));
  assertShape("auditLockDays", days, /^[1-9]\d{0,4}$/);
  return {
    auditLockMode: mode === "COMPLIANCE" ? "COMPLIANCE" : "GOVERNANCE",
    auditLockDays: Number(days),
  } as const;
}

/** An ARN, or an https address, with the ARN of the secret that holds its token or signing key behind "#". */
const workloadShape =
  /^(arn:aws[a-z-]*:(ecs|lambda|sqs):[a-z0-9-]+:\d{12}:[\w/:.-]+|https:\/\/[\w./:-]+#arn:aws[a-z-]*:secretsmanager:[\w/+=.@:-]+)$/;

const secretArnShape = /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/;

/** A pattern that is only a wildcard would open every secret of the account. */
const secretShape = /^(arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:)?[\w/+=.@-]+\*?$/;

function listIn(name: string, value: unknown, shape: RegExp): readonly string[] {
  const items = String(value ?? "")
    .split(",")
    .map((item) => item.trim());
  const given = items.filter((item) => item !== "");
  for (const item of given) assertShape(name, item, shape);
  return given;
}

function recordOf(pairs: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    pairs.map((pair) => {
      const split = pair.indexOf("=");
      return [pair.slice(0, split), pair.slice(split + 1)];
    }),
  );
}

function assertShape(name: string, value: string, shape: RegExp): void {
  if (!shape.test(value)) throw new Error(`the parameter ${name} is not valid: "${value}"`);
}
