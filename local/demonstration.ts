import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { Table } from "../core/ports.ts";
import type { LogLine } from "../functions/deps.ts";
import { dynamoTable } from "../ledger/dynamodb.ts";
import { type Ledger, ledgerOn } from "../ledger/ledger.ts";
import { type OpenAiFake, type OpenAiFakeOptions, openaiFake } from "../providers/openai/fake.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import { account, clientAs, environment, type LocalCloud, startLocalCloud } from "./world.ts";

const run = promisify(execFile);

/** Times of the stand-in, in the order of what real issuers show, shortened so that a person can watch. */
const provider = { latencyMs: 15, activateMs: 300, dieMs: 1_000, lastUsedLagMs: 300, usageLagMs: 300 };
export const secretName = "billing-key";
const consumers = ["billing", "search", "support"];
const instancesEach = 2;
const requestsPerSecondEach = 20;
const maxStaleMs = 20_000;
const heardMaxMs = 30_000;
const heardPollMs = 50;
const consumerRole = `arn:aws:iam::${account}:role/consumers`;

export interface Demonstration {
  readonly cloud: LocalCloud;
  readonly provider: OpenAiFake;
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly table: Table;
  readonly secretArn: string;
  readonly retiringKeyId: string;
  readonly consumers: readonly string[];
  readonly policyFile: string;
  /**
   * Acts as if somebody had committed the live key to a public repository. Returns the path of a TruffleHog
   * report that found it.
   */
  leakIntoReport(): string;
  /** Copies a filed report out of the bucket, so that it can be opened after the cloud is gone. */
  saveReport(address: string): Promise<string>;
  /** Runs `rekey` as the operator and gives what it printed. */
  rekey(...args: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export interface DemonstrationOptions {
  onLog?(line: LogLine): void;
  /** What is being done, as a sentence. */
  onProgress?(text: string): void;
  /** Gets `close` before anything is there to be closed. */
  onOpen?(close: () => Promise<void>): void;
  /** The cloud's; any free one without it. */
  readonly port?: number;
  /** Over the stand-in's usual times. */
  readonly provider?: OpenAiFakeOptions;
  readonly plan?: "contain-first" | "switch-first";
}

/**
 * A company in one process: a cloud, a provider, an applied `rekey.yml`, and three consumer programs under traffic,
 * of each of which Rekey has heard.
 */
export async function startDemonstration(options: DemonstrationOptions): Promise<Demonstration> {
  const folder = mkdtempSync(join(tmpdir(), "rekey-"));
  const { undo, close } = closing();
  options.onOpen?.(close);
  undo(async () => rmSync(folder, { recursive: true, force: true }));
  try {
    return await openCompany({ folder, undo, close, options });
  } catch (error) {
    await close();
    throw error;
  }
}

/** Undoes in the opposite order, once, and goes on where one of them fails. */
function closing() {
  const undos: (() => Promise<void>)[] = [];
  let closed: Promise<void> | undefined;
  const undoAll = async () => {
    const failures: unknown[] = [];
    for (const each of undos.reverse()) await each().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw failures[0];
  };
  return {
    undo: (each: () => Promise<void>) => void undos.push(each),
    close: () => {
      closed ??= undoAll();
      return closed;
    },
  };
}

interface Opening {
  readonly folder: string;
  readonly options: DemonstrationOptions;
  undo(each: () => Promise<void>): void;
  close(): Promise<void>;
}

async function openCompany({ folder, options, undo, close }: Opening): Promise<Demonstration> {
  const { onProgress = () => {}, onLog, port } = options;
  const fake = openaiFake({ ...provider, ...options.provider });
  const listening = await fake.listen();
  undo(() => listening.close());
  onProgress("starting the stand-ins of AWS and OpenAI, and Rekey's functions");
  const place = { folder, ...(port !== undefined && { port }), ...(onLog && { onLog }) };
  const cloud = await startLocalCloud(place);
  undo(() => cloud.close());
  const seed = fake.addKey({ name: "made by hand in 2024" });
  const secrets = await seedSecrets({ cloud, fake, key: seed.secret.reveal() });
  const policyFile = join(folder, "rekey.yml");
  writeFileSync(policyFile, policyText({ ...secrets, providerUrl: listening.url, options }));
  onProgress(`the cloud is at ${cloud.url}; applying the policy of ${secretName} (rekey apply)`);
  await rekey(cloud, ["apply", "--file", policyFile]);
  onProgress(`starting ${consumers.join(", ")}: ${instancesEach} instances each, all with ${secretName}`);
  const jobs = jobsFor({ secretArn: secrets.secretArn, providerUrl: listening.url });
  const fleet = await startFleet(jobs, cloud.env("consumers"));
  undo(() => fleet.stop());
  const table = dynamoTable(new DynamoDBClient(clientAs(cloud, "reader")), cloud.outputs["TableName"] ?? "");
  const ledger = ledgerOn(table);
  await heardOf({ ledger, secretArn: secrets.secretArn });
  return {
    ...{ cloud, provider: fake, fleet, table, ledger, policyFile, consumers, close },
    secretArn: secrets.secretArn,
    retiringKeyId: seed.keyId,
    leakIntoReport: () => {
      const path = join(folder, "trufflehog.json");
      writeFileSync(path, `${JSON.stringify(finding(seed.secret.reveal()))}\n`, { mode: 0o600 });
      return path;
    },
    saveReport: (address) => saveReport(cloud, address),
    rekey: (...args) => rekey(cloud, args),
  };
}

function jobsFor({ secretArn, providerUrl }: { readonly secretArn: string; readonly providerUrl: string }) {
  return consumers.map((consumer) => ({
    ...{ consumer, environment, maxStaleMs, secret: secretArn, field: "apiKey" },
    reportBus: `rekey-reports-${environment}`,
    provider: providerUrl,
    instances: instancesEach,
    requestsPerSecond: requestsPerSecondEach,
    watchEveryMs: 1_000,
  }));
}

/** Before its first report Rekey cannot know that a consumer runs, and would say so. */
async function heardOf({ ledger, secretArn }: { readonly ledger: Ledger; readonly secretArn: string }) {
  for (const untilMs = Date.now() + heardMaxMs; Date.now() < untilMs; ) {
    const evidence = await ledger.evidence(secretArn);
    const isHeard = (name: string) =>
      evidence.filter((item) => item.kind === "client" && item.consumer === name).length >= instancesEach;
    if (consumers.every(isHeard)) return;
    await pause(heardPollMs);
  }
  throw new Error(`the consumers have not reported within ${heardMaxMs / 1000} s`);
}

/** Markdown for people and JSON beside it, in a folder of their own that outlives the company. */
async function saveReport(cloud: LocalCloud, address: string): Promise<string> {
  const { hostname, pathname } = new URL(address);
  const client = new S3Client({ ...clientAs(cloud, "auditor"), forcePathStyle: true });
  const markdown = join(mkdtempSync(join(tmpdir(), "rekey-report-")), basename(pathname));
  for (const path of [markdown, markdown.replace(/\.md$/, ".json")]) {
    const Key = join(dirname(pathname), basename(path)).slice(1);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: hostname, Key }));
    writeFileSync(path, (await Body?.transformToString()) ?? "");
  }
  return markdown;
}

async function rekey(cloud: LocalCloud, args: readonly string[]): Promise<string> {
  const file = fileURLToPath(new URL("../bin/rekey.mjs", import.meta.url));
  const env = { ...process.env, ...cloud.env("operator"), NO_COLOR: "1" };
  const { stdout } = await run(process.execPath, ["--no-warnings", file, ...args], { env });
  return stdout;
}

async function seedSecrets(world: { cloud: LocalCloud; fake: OpenAiFake; key: string }) {
  const client = new SecretsManagerClient(clientAs(world.cloud, "administrator"));
  const create = async (Name: string, SecretString: string) => {
    const Tags = [{ Key: "Environment", Value: environment }];
    return (await client.send(new CreateSecretCommand({ Name, SecretString, Tags }))).ARN ?? "";
  };
  const adminArn = await create("rekey/admin/openai", world.fake.adminKey);
  const secretArn = await create(
    secretName,
    JSON.stringify({ model: "gpt-fake", apiKey: world.key, limit: 10 }),
  );
  return { adminArn, secretArn };
}

/** As TruffleHog prints it for a public GitHub repository; it verified the key, so the key is live. */
function finding(key: string) {
  const link = "https://github.com/acme/shop/blob/0f00/.env#L7";
  const Github = {
    repository: "https://github.com/acme/shop.git",
    commit: "0f00",
    file: ".env",
    line: 7,
    link,
  };
  return {
    SourceMetadata: { Data: { Github: { ...Github, visibility: 0 } } },
    ...{ SourceType: 7, SourceName: "trufflehog - github", DetectorType: 201, DetectorName: "OpenAI" },
    ...{ DecoderName: "PLAIN", Verified: true, Raw: key, RawV2: "", SecretParts: { key } },
  };
}

function consumerText(name: string): string {
  return `      - { name: ${name}, evidence: [client], maxStale: 20s, demandUse: true, roles: [${consumerRole}] }`;
}

function policyText(facts: {
  readonly adminArn: string;
  readonly secretArn: string;
  readonly providerUrl: string;
  readonly options: DemonstrationOptions;
}): string {
  const { plan } = facts.options;
  return `version: 1
environment: ${environment}
account: "${account}"
providers:
  openai-main:
    kind: openai
    adminCredential: ${facts.adminArn}
    project: proj_FAKE
    serviceAccount: svc_acct_FAKE
    baseUrl: ${facts.providerUrl}
    # The stand-in is quick, so that this run is short. Leave these out for the real OpenAI.
    propagation: { usageLagMs: 1000, deadProbes: 5, deadWindowMs: 1000, probeEveryMs: 250, dieMs: 60000 }
secrets:
  ${secretName}:
    arn: ${facts.secretArn}
    field: apiKey
    provider: openai-main
    rotate: manual
    overlap: 2m
    quiet: 3s
    soak: 1s
    consumers:
${consumers.map(consumerText).join("\n")}
${plan === undefined ? "" : `    incident: { plan: ${plan}, containBy: 1m }\n`}`;
}
