import type { Deployment } from "./deployment.ts";

/** By name, what a deployment was told to serve: losing one of these is an outage that nobody sees. */
export interface Configured {
  readonly sources: readonly string[];
  readonly channels: readonly string[];
  readonly accounts: readonly string[];
}

export function configuredBy(deployment: Deployment): Configured {
  const { intakeSecrets, pagerdutySecret, slackSecret, auditCollector, consumerAccounts } = deployment;
  return {
    sources: Object.keys(intakeSecrets).sort(),
    channels: [
      ...(pagerdutySecret === undefined ? [] : ["pagerduty"]),
      ...(slackSecret === undefined ? [] : ["slack"]),
      ...(auditCollector === undefined ? [] : ["auditCollector"]),
    ],
    accounts: [...consumerAccounts].sort(),
  };
}

/** What the stack serves now and would serve no more, without what was asked for by name. */
export function dropped(
  before: Configured,
  { after, asked }: { readonly after: Configured; readonly asked: readonly string[] },
): readonly string[] {
  const lost = (kind: keyof Configured) => before[kind].filter((name) => !after[kind].includes(name));
  return [...lost("sources"), ...lost("channels"), ...lost("accounts")].filter(
    (name) => !asked.includes(name),
  );
}

/** Throws unless everything that the stack serves stays, or was named in `--param drop=a,b`. */
export function assertNothingDropped(
  deployed: string | undefined,
  { deployment, drop }: { readonly deployment: Deployment; readonly drop: string },
): void {
  if (deployed === undefined) return;
  const asked = drop.split(",").map((name) => name.trim());
  const lost = dropped(JSON.parse(deployed) as Configured, { after: configuredBy(deployment), asked });
  if (lost.length === 0) return;
  throw new Error(
    `this deployment would drop ${lost.join(", ")}, which the stack serves now: put it back into ` +
      `stages/${deployment.environment}.yml, or say so by name: --param drop=${lost.join(",")}`,
  );
}
