import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
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
import { account, environment, type LocalCloud, operatorClient, startLocalCloud } from "./world.ts";

const run = promisify(execFile);

/** Times of the stand-in, in the order of what real issuers show, shortened so that a person can watch. */
const provider = { latencyMs: 15, activateMs: 300, dieMs: 1_000, lastUsedLagMs: 300, usageLagMs: 300 };
const consumers = ["billing", "search", "support"];
const instancesEach = 2;
const requestsPerSecondEach = 20;
const maxStaleMs = 20_000;
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
  /** Over the stand-in's usual times. */
  readonly provider?: OpenAiFakeOptions;
  /** When the scheduler starts the first rotation; never without it. */
  readonly rotateAt?: Date;
  readonly plan?: "contain-first" | "switch-first";
}

/** A company in one process: a cloud, a provider, three consumer programs under traffic, and a `rekey.yml`. */
export async function startDemonstration(options: DemonstrationOptions): Promise<Demonstration> {
  const folder = mkdtempSync(join(tmpdir(), "rekey-"));
  const fake = openaiFake({ ...provider, ...options.provider });
  const listening = await fake.listen();
  const cloud = await startLocalCloud({ folder, ...(options.onLog && { onLog: options.onLog }) });
  const seed = fake.addKey({ name: "made by hand in 2024" });
  const secrets = await seedSecrets({ cloud, fake, key: seed.secret.reveal() });
  const policyFile = join(folder, "rekey.yml");
  writeFileSync(policyFile, policyText({ ...secrets, providerUrl: listening.url, options }));
  const fleet = await startFleet(
    consumers.map((consumer) => ({
      ...{ consumer, environment, maxStaleMs },
      secret: secrets.secretArn,
      field: "apiKey",
      reportBus: `rekey-reports-${environment}`,
      provider: listening.url,
      instances: instancesEach,
      requestsPerSecond: requestsPerSecondEach,
      watchEveryMs: 1_000,
    })),
    cloud.env("consumers"),
  );
  const table = dynamoTable(new DynamoDBClient(operatorClient(cloud)), cloud.outputs["TableName"] ?? "");
  return {
    ...{ cloud, provider: fake, fleet, table, policyFile, consumers },
    ledger: ledgerOn(table),
    secretArn: secrets.secretArn,
    retiringKeyId: seed.keyId,
    leakIntoReport: () => {
      const path = join(folder, "trufflehog.json");
      writeFileSync(path, `${JSON.stringify(finding(seed.secret.reveal()))}\n`, { mode: 0o600 });
      return path;
    },
    saveReport: (address) => saveReport(cloud, address),
    rekey: (...args) => rekey(cloud, args),
    close: async () => {
      try {
        await fleet.stop();
        await cloud.close();
        await listening.close();
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  };
}

/** Markdown for people and JSON beside it, in a folder of their own that outlives the company. */
async function saveReport(cloud: LocalCloud, address: string): Promise<string> {
  const { hostname, pathname } = new URL(address);
  const client = new S3Client({ ...operatorClient(cloud), forcePathStyle: true });
  const markdown = join(mkdtempSync(join(tmpdir(), "rekey-report-")), basename(pathname));
  for (const path of [markdown, markdown.replace(/\.md$/, ".json")]) {
    const Key = join(dirname(pathname), basename(path)).slice(1);
    const { Body } = await client.send(new GetObjectCommand({ Bucket: hostname, Key }));
    writeFileSync(path, (await Body?.transformToString()) ?? "");
  }
  return markdown;
}

async function rekey(cloud: LocalCloud, args: readonly string[]): Promise<string> {
  const file = fileURLToPath(new URL("../cli/rekey.ts", import.meta.url));
  const env = { ...process.env, ...cloud.env("operator"), NO_COLOR: "1" };
  const { stdout } = await run(process.execPath, ["--no-warnings", file, ...args], { env });
  return stdout;
}

async function seedSecrets(world: { cloud: LocalCloud; fake: OpenAiFake; key: string }) {
  const client = new SecretsManagerClient(operatorClient(world.cloud));
  const create = async (Name: string, SecretString: string) => {
    const Tags = [{ Key: "Environment", Value: environment }];
    return (await client.send(new CreateSecretCommand({ Name, SecretString, Tags }))).ARN ?? "";
  };
  const adminArn = await create("rekey/admin/openai", world.fake.adminKey);
  const secretArn = await create(
    "billing-key",
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
  const { rotateAt, plan } = facts.options;
  const rotate = rotateAt === undefined ? "manual" : `{ at: "${rotateAt.toISOString().slice(0, 19)}" }`;
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
  billing-key:
    arn: ${facts.secretArn}
    field: apiKey
    provider: openai-main
    rotate: ${rotate}
    overlap: 2m
    quiet: 3s
    soak: 1s
    consumers:
${consumers.map(consumerText).join("\n")}
${plan === undefined ? "" : `    incident: { plan: ${plan}, containBy: 1m }\n`}`;
}
