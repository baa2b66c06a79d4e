import { ECSClient } from "@aws-sdk/client-ecs";
import { LambdaClient } from "@aws-sdk/client-lambda";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { assumedRole } from "../aws/assumed-role.ts";
import { awsBounds } from "../aws/bounds.ts";
import { StoreUnavailable } from "../core/errors.ts";
import type { SecretArn } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import type { EcsClients } from "./ecs.ts";
import type { LambdaClients } from "./lambda.ts";
import type { Http } from "./ports.ts";

/** Everything outside Rekey that evidence sources and refreshers call. */
export interface Reach {
  readonly ecs: EcsClients;
  readonly lambda: LambdaClients;
  readonly sqs: (region: string) => Pick<SQSClient, "send">;
  /** Only to the hosts of `allowed`. */
  readonly http: Http;
  /** Tokens and signing keys, each in a secret of its own. */
  read(secretArn: SecretArn): Promise<Secret>;
  /** Never the same twice. */
  newNonce(): string;
  pause(ms: number): Promise<void>;
}

export type Elsewhere = Pick<Reach, "http" | "read" | "newNonce" | "pause">;

/** Ten consumers are refreshed at a time, and all of them within the time of one function. */
export const bounded = { ...awsBounds, maxAttempts: 2 };

/** By account, the role there that looks at workloads: one's own workloads need none. */
export type WorkloadRoles = Readonly<Record<string, string>>;

/**
 * Each workload is called in its own Region, and in another account by the role that the deployment names there. A
 * client is made when it is first needed.
 */
export function awsPlatforms(elsewhere: Elsewhere, roles: WorkloadRoles): Omit<Reach, "sqs"> {
  return {
    ...elsewhere,
    ecs: perPlace(roles, (options) => new ECSClient({ ...bounded, ...options })),
    lambda: perPlace(roles, (options) => new LambdaClient({ ...bounded, ...options })),
  };
}

type RoleCredentials = Awaited<ReturnType<ReturnType<typeof assumedRole>>>;

interface ClientOptions {
  readonly region: string;
  readonly credentials?: () => Promise<RoleCredentials>;
}

/** By the workload's ARN, which names its Region and account. */
function perPlace<Client>(
  roles: WorkloadRoles,
  make: (options: ClientOptions) => Client,
): (arn: string) => Client {
  const inPlace = perRegion((place) => {
    const [region = "", account = ""] = place.split(" ");
    const role = Object.hasOwn(roles, account) ? roles[account] : undefined;
    if (role === undefined) return make({ region });
    return make({ region, credentials: () => credentialsOf(role, region) });
  });
  return (arn) => inPlace(arn.split(":").slice(3, 5).join(" "));
}

/** What assumes roles is loaded where there is one: most deployments look at their own account alone. */
async function credentialsOf(role: string, region: string): Promise<RoleCredentials> {
  const assuming = await import("../aws/assumed-role.ts");
  const refused = (says: string) => new StoreUnavailable(says);
  return assuming.assumedRole(role, { region, sessionName: "rekey-workloads", refused })();
}

export function perRegion<Client>(make: (region: string) => Client): (region: string) => Client {
  const made = new Map<string, Client>();
  return (region) => {
    const client = made.get(region) ?? make(region);
    made.set(region, client);
    return client;
  };
}

/** The hosts of the addresses in a list of ARNs and addresses. */
export function hostsIn(allowed: readonly string[]): readonly string[] {
  const hosts = allowed.flatMap((each) =>
    /^https?:\/\//.test(each) && URL.canParse(each) ? [new URL(each).host] : [],
  );
  return [...new Set(hosts)];
}
