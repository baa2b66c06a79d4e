import { createHash, randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { auditLog } from "../audit/chain.ts";
import type { Digest } from "../core/ports.ts";
import { dynamoTable } from "../ledger/dynamodb.ts";
import { ledgerOn } from "../ledger/ledger.ts";
import { secretsManagerStore } from "../stores/secrets-manager.ts";
import { adminClient } from "./admin-client.ts";
import type { Reach } from "./command.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const digest: Digest = { sha256Hex: (text) => createHash("sha256").update(text).digest("hex") };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** AWS as the SDK's own settings find it: region, profile, credentials, and AWS_ENDPOINT_URL for another cloud. */
export function reachAws(env: Environment): Reach {
  const dynamo = new DynamoDBClient({});
  const table = dynamoTable(dynamo, env["REKEY_TABLE"] ?? "rekey");
  const { region, credentials } = dynamo.config;
  const address = env["REKEY_ADMIN_URL"];
  return {
    ledger: ledgerOn(table),
    audit: auditLog({ table, digest, now: Date.now }),
    store: secretsManagerStore(new SecretsManagerClient({}), { pause }),
    digest,
    admin:
      address === undefined || address === "" ? undefined : adminClient(address, { region, credentials }),
    nowMs: Date.now,
    pause,
    newId: randomUUID,
  };
}
