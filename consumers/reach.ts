import { ECSClient } from "@aws-sdk/client-ecs";
import { LambdaClient } from "@aws-sdk/client-lambda";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { awsBounds } from "../aws/bounds.ts";
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

/** Each workload is called in its own Region. A client is made when it is first needed. */
export function awsPlatforms(elsewhere: Elsewhere): Omit<Reach, "sqs"> {
  return {
    ...elsewhere,
    ecs: perRegion((region) => new ECSClient({ region, ...bounded })),
    lambda: perRegion((region) => new LambdaClient({ region, ...bounded })),
  };
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
