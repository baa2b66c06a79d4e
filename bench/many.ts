import { setTimeout as pause } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { DescribeExecutionCommand, SFNClient, StartExecutionCommand } from "@aws-sdk/client-sfn";
import type { Policy } from "../core/policy.ts";
import { adoptCurrent } from "../core/rotation/secret-record.ts";
import { fingerprintOf } from "../events/fingerprint.ts";
import { dynamoTable } from "../ledger/dynamodb.ts";
import { type Ledger, ledgerOn } from "../ledger/ledger.ts";
import { clientAs, type LocalCloud, startLocalCloud } from "../local/world.ts";
import { type OpenAiFake, openaiFake } from "../providers/openai/fake.ts";
import { type BenchRow, rowOf } from "./row.ts";

const sizes = [1, 10, 100, 200] as const;
const endMaxMs = 240_000;
const pollMs = 100;
/** Linear, with room for a noisy machine. */
const growthMax = 1.5;

interface Batch {
  readonly size: number;
  readonly ms: number;
  readonly megabytes: number;
  readonly failed: number;
}

/**
 * Rotations of different secrets at once on one machine: none may fail, and none may cost more than it does
 * alone.
 */
export async function manyRows(): Promise<BenchRow[]> {
  const batches: Batch[] = [];
  for (const size of sizes) batches.push(await rotateAtOnce(size));
  const [, ten, , most] = batches;
  const rows = batches.flatMap(({ size, ms, megabytes, failed }) => [
    rowOf({ name: `${size} rotations at once: failed`, unit: "rotations", budget: 0 }, [failed]),
    rowOf({ name: `${size} rotations at once: time each`, unit: "ms" }, [ms / size]),
    rowOf({ name: `${size} rotations at once: memory each`, unit: "MB" }, [megabytes / size]),
  ]);
  const growth = (most?.ms ?? 0) / (most?.size ?? 1) / ((ten?.ms ?? 1) / (ten?.size ?? 1));
  const name = "time each at 200 against time each at 10";
  return [
    ...rows,
    rowOf({ name, unit: "ratio", budget: growthMax, peer: { name: "linear", median: 1 } }, [growth]),
  ];
}

async function rotateAtOnce(size: number): Promise<Batch> {
  const provider = openaiFake({});
  const listening = await provider.listen();
  const cloud = await startLocalCloud();
  try {
    const clients = clientsFor(cloud);
    const arns = await seed({ size, provider, baseUrl: listening.url, clients });
    const before = process.memoryUsage().rss;
    const startedAt = performance.now();
    const failed = await rotateAll(arns, { cloud, sfn: clients.sfn });
    const ms = performance.now() - startedAt;
    return { size, ms, failed, megabytes: Math.max(0, process.memoryUsage().rss - before) / 1e6 };
  } finally {
    await cloud.close();
    await listening.close();
  }
}

interface Clients {
  readonly sfn: SFNClient;
  readonly secrets: SecretsManagerClient;
  readonly ledger: Ledger;
}

function clientsFor(cloud: LocalCloud): Clients {
  const options = clientAs(cloud, "administrator");
  return {
    sfn: new SFNClient(options),
    secrets: new SecretsManagerClient(options),
    ledger: ledgerOn(dynamoTable(new DynamoDBClient(options), cloud.outputs["TableName"] ?? "")),
  };
}

async function seed(job: {
  readonly size: number;
  readonly provider: OpenAiFake;
  readonly baseUrl: string;
  readonly clients: Clients;
}): Promise<readonly string[]> {
  const { size, provider, baseUrl, clients } = job;
  const create = async (Name: string, SecretString: string) =>
    clients.secrets.send(new CreateSecretCommand({ Name, SecretString }));
  const { ARN: adminCredential = "" } = await create("rekey/admin/openai", provider.adminKey);
  const arns: string[] = [];
  for (let index = 0; index < size; index++) {
    const { keyId, secret } = provider.addKey({ name: `by hand ${index}` });
    const { ARN: secretArn = "", VersionId: versionId = "" } = await create(`key-${index}`, secret.reveal());
    const fingerprint = fingerprintOf(secret);
    await clients.ledger.putPolicy(policyFor({ secretArn, adminCredential, baseUrl }));
    await clients.ledger.changeSecret(secretArn, (record) =>
      adoptCurrent(record, { name: "by hand", state: "current", keyId, versionId, fingerprint }),
    );
    arns.push(secretArn);
  }
  return arns;
}

/** Nothing to wait for but the machine itself: no consumers, no quiet window, a provider that believes at once. */
function policyFor(facts: { secretArn: string; adminCredential: string; baseUrl: string }): Policy {
  const { secretArn, adminCredential, baseUrl } = facts;
  const propagation = { usageLagMs: 0, deadWindowMs: 0, deadProbes: 3, probeEveryMs: 10 };
  const settings = {
    adminCredential,
    baseUrl,
    project: "proj_FAKE",
    serviceAccount: "svc_acct_FAKE",
    propagation,
  };
  return {
    ...{
      secretArn,
      name: secretArn.slice(-12),
      environment: "production",
      mode: "rotate",
      consumers: "none",
    },
    provider: { account: "openai-main", kind: "openai", adminCredential, settings },
    ...{ signals: [], maxAgeMs: 1e10, quietMs: 0, overlapMs: 600_000, soakMs: 0, retain: false },
    incident: { containByMs: 600_000, escalateAfterMs: 300_000 },
  };
}

async function rotateAll(
  arns: readonly string[],
  { cloud, sfn }: { readonly cloud: LocalCloud; readonly sfn: SFNClient },
): Promise<number> {
  const { REKEY_ROTATION_MACHINE_ARN: stateMachineArn = "" } = cloud.env("operator");
  const started = await Promise.all(
    arns.map((secretArn, index) =>
      sfn.send(
        new StartExecutionCommand({
          stateMachineArn,
          name: `bench-${index}`,
          input: JSON.stringify({ secretArn, trigger: "bench" }),
        }),
      ),
    ),
  );
  const open = new Set(started.map(({ executionArn }) => executionArn ?? ""));
  let failed = 0;
  for (const untilMs = Date.now() + endMaxMs; open.size > 0 && Date.now() < untilMs; ) {
    for (const executionArn of open) {
      const { status } = await sfn.send(new DescribeExecutionCommand({ executionArn }));
      if (status === "RUNNING") break;
      open.delete(executionArn);
      if (status !== "SUCCEEDED") failed += 1;
    }
    if (open.size > 0) await pause(pollMs);
  }
  return failed + open.size;
}
