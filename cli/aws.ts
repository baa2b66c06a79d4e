import { createHash, randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { auditLog } from "../audit/chain.ts";
import type { Digest } from "../core/ports.ts";
import type { Swept } from "../functions/sweep.ts";
import { dynamoTable } from "../ledger/dynamodb.ts";
import { ledgerOn } from "../ledger/ledger.ts";
import { secretsManagerStore } from "../stores/secrets-manager.ts";
import { adminClient } from "./admin-client.ts";
import { CliFailure, exitCodes, type Reach } from "./command.ts";

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
    sweep: (dryRun) => invokeSweep(env["REKEY_SWEEP_FUNCTION"] ?? "rekey-production-sweep", dryRun),
    nowMs: Date.now,
    pause,
    newId: randomUUID,
  };
}

async function invokeSweep(functionName: string, dryRun: boolean): Promise<Swept> {
  const Payload = JSON.stringify({ dryRun });
  const { FunctionError, Payload: answer } = await new LambdaClient({}).send(
    new InvokeCommand({ FunctionName: functionName, Payload }),
  );
  if (FunctionError === undefined && answer !== undefined) return JSON.parse(Buffer.from(answer).toString());
  throw new CliFailure(`the sweep ${functionName} failed`, {
    hint: "its log says where; a repeat is safe",
    exitCode: exitCodes.unreachable,
  });
}
