import { createHash, randomUUID } from "node:crypto";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { type AuditLog, auditLog } from "../audit/chain.ts";
import type { CheckpointVerifier } from "../audit/checkpoint.ts";
import { awsBounds } from "../aws/bounds.ts";
import { stsEndpoint } from "../aws/caller-proof.ts";
import type { Digest, SecretStore } from "../core/ports.ts";
import type { KitAnswer } from "../functions/sealed-kit/entries.ts";
import type { Swept } from "../functions/upkeep/swept.ts";
import { dynamoTable } from "../ledger/dynamodb.ts";
import { ledgerOn } from "../ledger/ledger.ts";
import { CliFailure, exitCodes, type Reach } from "./command.ts";
import { regionOf } from "./region.ts";
import { type Environment, settingsOf, templateOf, type Where } from "./stack-outputs.ts";

const digest: Digest = { sha256Hex: (text) => createHash("sha256").update(text).digest("hex") };
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/**
 * AWS as the SDK's own settings find it: region, profile, credentials, and AWS_ENDPOINT_URL for another cloud. Only
 * the ledger's client is loaded at once: each of the others takes longer to load than `rekey status` to answer.
 */
export async function reachAws(given: Environment, where: Where = {}): Promise<Reach> {
  const dynamo = new DynamoDBClient(awsBounds);
  // Asked here, so that a missing region is not mistaken for a ledger that does not answer.
  await regionOf(dynamo);
  const env = await settingsOf(given, where);
  const tableName = env["REKEY_TABLE"] ?? "";
  const table = dynamoTable(dynamo, tableName);
  const log = auditLog({ table, digest, now: Date.now });
  const { region, credentials } = dynamo.config;
  const address = env["REKEY_ADMIN_URL"];
  const adminArn = env["REKEY_ADMIN_FUNCTION"];
  return {
    ledger: ledgerOn(table),
    audit: log,
    checkpoints: checkpointsFor(env, log),
    certificates: certificatesFor(env),
    store: callersStore,
    digest,
    admin:
      address === undefined || address === ""
        ? undefined
        : async (command) => {
            const { adminClient } = await import("./admin-client.ts");
            const deployment = { table: tableName, stsEndpoint: (at: string) => stsEndpoint(env, at) };
            return adminClient(address, { region, credentials }, deployment)(command);
          },
    ...(adminArn && {
      grants: async () => (await import("./read-grants.ts")).readGrants(adminArn),
      tags: async (arns) => (await import("./read-tags.ts")).readTags(arns, adminArn),
    }),
    reads: readsOf,
    countRun: async (executionArn) => (await import("./run-count.ts")).readRunCount(executionArn),
    template: () => templateOf(given, where),
    sweep: (dryRun) =>
      invoke<Swept>(
        env["REKEY_SWEEP_FUNCTION"],
        { dryRun },
        { name: "sweep", variable: "REKEY_SWEEP_FUNCTION" },
      ),
    exportKit: () =>
      invoke<KitAnswer>(
        env["REKEY_KIT_FUNCTION"],
        { handOver: true },
        { name: "export", variable: "REKEY_KIT_FUNCTION" },
      ),
    nowMs: Date.now,
    pause,
    newId: randomUUID,
  };
}

/** Secrets as the caller may read and write them. */
export async function callersStore(): Promise<SecretStore> {
  const { everyStore } = await import("../stores/index.ts");
  const { keyIn } = await import("../stores/value.ts");
  const awsCredentials = new DynamoDBClient(awsBounds).config.credentials;
  const store: SecretStore = everyStore({
    pause,
    vault: {
      servers: JSON.parse(process.env["REKEY_VAULTS"] ?? "{}"),
      credential: async (secretArn) => keyIn((await store.current(secretArn)).text),
      awsCredentials,
    },
    googleCloud: { projects: JSON.parse(process.env["REKEY_GOOGLE_PROJECTS"] ?? "{}"), awsCredentials },
    azure: {
      vaults: JSON.parse(process.env["REKEY_AZURE_VAULTS"] ?? "{}"),
      webIdentityToken: async (question) =>
        (await import("../stores/azure-key-vault/web-identity.ts")).webIdentityToken(question),
    },
  });
  return store;
}

/** `config` is added to what the SDK finds by itself. */
export function checkpointsFor(env: Environment, log: AuditLog, config = {}): Reach["checkpoints"] {
  const [bucket, keyId] = [env["REKEY_AUDIT_BUCKET"], env["REKEY_AUDIT_KEY_ID"]];
  if (!bucket || !keyId) return undefined;
  return async (): Promise<CheckpointVerifier> => {
    const { KMSClient } = await import("@aws-sdk/client-kms");
    const { S3Client } = await import("@aws-sdk/client-s3");
    const { checkpointVerifier } = await import("../audit/checkpoint.ts");
    const { kmsSigner } = await import("../audit/kms-signer.ts");
    const { s3AnchorReader } = await import("../audit/s3-anchor.ts");
    return checkpointVerifier({
      log,
      signer: kmsSigner(new KMSClient({ ...awsBounds, ...config }), { keyId }),
      anchor: s3AnchorReader(new S3Client({ ...awsBounds, ...config, forcePathStyle: true }), { bucket }),
    });
  };
}

/** `config` is added to what the SDK finds by itself. */
export function certificatesFor(env: Environment, config = {}): Reach["certificates"] {
  const [bucket, keyId] = [env["REKEY_AUDIT_BUCKET"], env["REKEY_AUDIT_KEY_ID"]];
  if (!bucket || !keyId) return undefined;
  return async () => {
    const { KMSClient } = await import("@aws-sdk/client-kms");
    const { S3Client } = await import("@aws-sdk/client-s3");
    const { kmsSigner } = await import("../audit/kms-signer.ts");
    const { s3AnchorReader } = await import("../audit/s3-anchor.ts");
    const { publicKey } = kmsSigner(new KMSClient({ ...awsBounds, ...config }), { keyId });
    const s3 = new S3Client({ ...awsBounds, ...config, forcePathStyle: true });
    const { read } = s3AnchorReader(s3, { bucket });
    return { read, publicKey };
  };
}

const readsOf: Reach["reads"] = async (lookup) => {
  const { CloudTrailClient } = await import("@aws-sdk/client-cloudtrail");
  const { lookUpReads } = await import("../functions/adapters/scope/trail.ts");
  return lookUpReads(new CloudTrailClient(awsBounds), lookup, { nowMs: Date.now, pause });
};

async function invoke<Answer>(
  functionName: string | undefined,
  event: object,
  { name, variable }: { readonly name: string; readonly variable: string },
): Promise<Answer> {
  if (functionName === undefined)
    throw new CliFailure(`${variable} is not set`, {
      hint: "set it, or unset REKEY_TABLE: then the deployment's stack says where everything is",
      exitCode: exitCodes.usage,
    });
  const { InvokeCommand, LambdaClient } = await import("@aws-sdk/client-lambda");
  const Payload = JSON.stringify(event);
  // Without the limits of the other clients: these answer only when they have ended, which can take minutes.
  const { FunctionError, Payload: answer } = await new LambdaClient({}).send(
    new InvokeCommand({ FunctionName: functionName, Payload }),
  );
  if (FunctionError === undefined && answer !== undefined) return JSON.parse(Buffer.from(answer).toString());
  throw new CliFailure(`the ${name} ${functionName} failed`, {
    hint: "its log says where; a repeat is safe",
    exitCode: exitCodes.unreachable,
  });
}
