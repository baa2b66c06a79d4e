import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { auditLog } from "../audit/chain.ts";
import { certificatesFor, checkpointsFor } from "../cli/aws.ts";
import { openConsole, sourcesFrom } from "../cli/commands/console.ts";
import type { Console } from "../console/server.ts";
import type { Table } from "../core/ports.ts";
import type { LogLine } from "../functions/deps.ts";
import { nodeDigest } from "../functions/wiring/base.ts";
import { dynamoTable } from "../ledger/dynamodb.ts";
import { type Ledger, ledgerOn } from "../ledger/ledger.ts";
import type { ConsumerCall } from "../providers/fake-world.ts";
import { rekey } from "./command.ts";
import type { ConsumerJob } from "./consumer.ts";
import type { Ending } from "./ending.ts";
import { type Fleet, startFleet } from "./fleet.ts";
import type { Timed } from "./functions.ts";
import type { Screen } from "./screen.ts";
import { type StandIn, type StandInName, type StandInOptions, standInRow } from "./stand-ins.ts";
import {
  account,
  clientAs,
  environment,
  type LocalCloud,
  type LocalCloudOptions,
  startLocalCloud,
} from "./world.ts";

/** What both demonstrations are started with. */
export interface Start {
  readonly shown: Screen;
  readonly ending: Ending;
  readonly stay: boolean;
  readonly port?: number;
  readonly standIn?: StandInName;
}

/** Times of the stand-in, in the order of what real issuers show, shortened so that a person can watch. */
const provider = { latencyMs: 15, activateMs: 300, dieMs: 1_000, lastUsedLagMs: 300, usageLagMs: 300 };
export const secretName = "billing-key";
const consumers = ["billing", "search", "support"];
const instancesEach = 2;
const requestsPerSecondEach = 20;
const maxStaleMs = 20_000;
const heardMaxMs = 90_000;
const heardPollMs = 50;
const consumerRole = `arn:aws:iam::${account}:role/consumers`;

export interface Demonstration {
  readonly cloud: LocalCloud;
  readonly provider: StandIn;
  readonly fleet: Fleet;
  readonly ledger: Ledger;
  readonly table: Table;
  readonly secretArn: string;
  readonly retiringKeyId: string;
  readonly consumers: readonly string[];
  readonly policyFile: string;
  /** Where the console page is, with its one-time token. */
  readonly page: string;
  /**
   * Acts as if somebody had committed the live key to a public repository. Returns the path of a TruffleHog
   * report that found it.
   */
  leakIntoReport(): string;
  /** Copies a filed report out of the bucket, so that it can be opened after the cloud is gone. */
  saveReport(address: string): Promise<string>;
  /** Runs `rekey` as the operator and gives what it printed. */
  rekey(...args: readonly string[]): Promise<string>;
  /**
   * Does what a person does where the provider makes no keys by API: waits until a key is asked for, makes one in the
   * provider's console and gives it to `rekey supply`. Undefined where no person is needed.
   */
  readonly supply?: () => Promise<string>;
  close(): Promise<void>;
}

export interface DemonstrationOptions {
  onLog?(line: LogLine): void;
  onCall?(call: Timed): void;
  /** What is being done, as a sentence. */
  onProgress?(text: string): void;
  /** Gets `close` before anything is there to be closed. */
  onOpen?(close: () => Promise<void>): void;
  /** The cloud's; any free one without it. */
  readonly port?: number;
  /** Whose stand-in it is; OpenAI's without it. */
  readonly standIn?: StandInName;
  /** Requests per second of each instance; 20 without it. */
  readonly pace?: number;
  /** Over the stand-in's usual times. */
  readonly provider?: StandInOptions;
  readonly plan?: "contain-first" | "switch-first";
  /** Another cloud than the one that boots from the working copy. */
  openCloud?(options: LocalCloudOptions): Promise<LocalCloud>;
  /** Over the parameters that the local cloud has. */
  readonly deployment?: LocalCloudOptions["deployment"];
  /** What this company has besides, or instead. */
  readonly own?: Own;
}

/** A company that keeps its key in another store, or whose key is used by more than the three programs. */
export interface Own extends Pick<LocalCloudOptions, "byHand" | "hosts"> {
  /** Puts the key there, and answers with its reference. */
  readonly store?: { readonly name: string; put(key: string): string };
  /** Lines of `rekey.yml` below `consumers`. */
  readonly consumerLines?: readonly string[];
  /** What its programs find in their environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Called once the key is where it belongs, and before the policy is applied. */
  prepare?(world: PreparedWorld): Promise<void>;
}

export interface PreparedWorld {
  readonly cloud: LocalCloud;
  readonly key: string;
  readonly secretArn: string;
  /** The provider's address, and how programs use a key there. */
  readonly call: { readonly url: string; readonly header: string; readonly scheme: string };
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
export function closing() {
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
  const { onProgress = () => {}, onLog, onCall, port, deployment } = options;
  const { standIn = "openai", openCloud = startLocalCloud, own = {} } = options;
  const row = standInRow(standIn);
  const fake = row.start({ ...provider, ...options.provider });
  const listening = await fake.listen();
  undo(() => listening.close());
  onProgress(`starting the stand-ins of AWS and ${row.title}, and Rekey's functions`);
  const place = {
    folder,
    ...(port !== undefined && { port }),
    ...((deployment || row.deployment) && { deployment: { ...row.deployment, ...deployment } }),
    ...(onLog && { onLog }),
    ...(onCall && { onCall }),
    ...(own.byHand && { byHand: own.byHand }),
    ...(own.hosts && { hosts: own.hosts }),
  };
  const cloud = await openCloud(place);
  undo(() => cloud.close());
  const seed = fake.addKey({ name: "made by hand in 2024" });
  const key = seed.secret.reveal();
  const secrets = await seedSecrets({ cloud, standIn, fake, key, own });
  const call = callOf(listening.origin, fake.consumer);
  await own.prepare?.({ ...{ cloud, key, call }, secretArn: secrets.secretArn });
  const policyFile = join(folder, "rekey.yml");
  writeFileSync(policyFile, policyText({ ...secrets, settings: fake.settingsAt(listening.origin), options }));
  onProgress(`the cloud is at ${cloud.url}; applying the policy of ${secretName} (rekey apply)`);
  await rekey(cloud, ["apply", policyFile]);
  onProgress(`starting ${consumers.join(", ")}: ${instancesEach} instances each, all with ${secretName}`);
  const jobs = jobsFor({ secretArn: secrets.secretArn, call, ...options });
  const fleet = await startFleet(jobs, ({ consumer }) => ({ ...cloud.consumerEnv(consumer), ...own.env }));
  undo(() => fleet.stop());
  const table = dynamoTable(new DynamoDBClient(clientAs(cloud, "reader")), cloud.outputs["TableName"] ?? "");
  const ledger = ledgerOn(table);
  await heardOf({ ledger, secretArn: secrets.secretArn });
  const page = await servePage(cloud, { table, ledger });
  undo(() => page.close());
  onProgress(`watch it in a browser: ${page.address}`);
  return {
    ...{ cloud, provider: fake, fleet, table, ledger, policyFile, consumers, close },
    page: page.address,
    secretArn: secrets.secretArn,
    retiringKeyId: seed.keyId,
    leakIntoReport: () => {
      const path = join(folder, "trufflehog.json");
      writeFileSync(path, `${JSON.stringify(finding(seed.secret.reveal(), row.detector))}\n`, {
        mode: 0o600,
      });
      return path;
    },
    saveReport: (address) => saveReport(cloud, address),
    rekey: (...args) => rekey(cloud, args),
    ...(row.isAssisted && {
      supply: async () => {
        await askedFor({ ledger, secretArn: secrets.secretArn });
        const { secret } = fake.addKey({ name: "made in the console" });
        return rekey(cloud, ["supply", secretName], { as: "supplier", input: secret.reveal() });
      },
    }),
  };
}

/** Until the rotation waits for a person to supply the key. */
async function askedFor({ ledger, secretArn }: { readonly ledger: Ledger; readonly secretArn: string }) {
  for (const untilMs = Date.now() + heardMaxMs; Date.now() < untilMs; ) {
    const { wait } = await ledger.secret(secretArn);
    if (wait?.decision === "supply") return;
    await pause(heardPollMs);
  }
  throw new Error(`nobody has asked for a key within ${heardMaxMs / 1000} s`);
}

/**
 * What `rekey console` serves an auditor, who may read certificates and checkpoints. The page itself is built only when
 * somebody opens it.
 */
async function servePage(
  cloud: LocalCloud,
  { table, ledger }: Pick<Demonstration, "table" | "ledger">,
): Promise<Console> {
  const audit = auditLog({ table, digest: nodeDigest, now: Date.now });
  const [env, config] = [cloud.env("auditor"), clientAs(cloud, "auditor")];
  const proofs = {
    checkpoints: checkpointsFor(env, audit, config),
    certificates: certificatesFor(env, config),
  };
  return openConsole({
    sources: sourcesFrom({ ledger, audit, ...proofs, digest: nodeDigest, nowMs: Date.now }),
  });
}

type Call = ConsumerJob["keys"][number]["call"];

function callOf(origin: string, { path, header, scheme }: ConsumerCall): Call {
  return { url: `${origin}${path}`, header, scheme };
}

function jobsFor(facts: {
  readonly secretArn: string;
  readonly call: Call;
  readonly pace?: number;
  readonly own?: Own;
}) {
  const { secretArn, call, own, pace = requestsPerSecondEach } = facts;
  return consumers.map((consumer) => ({
    ...{ consumer, environment, maxStaleMs },
    reportBus: `rekey-reports-${environment}`,
    keys: [{ secret: secretArn, call, ...(isArn(secretArn) && { field: "apiKey" }) }],
    instances: instancesEach,
    requestsPerSecond: pace,
    // Each look is a report, too, and many places ask for much already.
    watchEveryMs: own === undefined ? 1_000 : 3_000,
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

async function seedSecrets(world: {
  readonly cloud: LocalCloud;
  readonly standIn: StandInName;
  readonly fake: StandIn;
  readonly key: string;
  readonly own: Own;
}) {
  const client = new SecretsManagerClient(clientAs(world.cloud, "administrator"));
  const create = async (Name: string, SecretString: string) => {
    const Tags = [{ Key: "Environment", Value: environment }];
    return (await client.send(new CreateSecretCommand({ Name, SecretString, Tags }))).ARN ?? "";
  };
  const adminArn = await create(`rekey/admin/${world.standIn}`, world.fake.adminKey);
  const { store } = world.own;
  if (store !== undefined) return { adminArn, secretArn: store.put(world.key) };
  const secretArn = await create(
    secretName,
    JSON.stringify({ model: "gpt-fake", apiKey: world.key, limit: 10 }),
  );
  return { adminArn, secretArn };
}

/** Other stores' references name the field themselves. */
const isArn = (reference: string): boolean => reference.startsWith("arn:");

/** As TruffleHog prints it for a public GitHub repository; it verified the key, so the key is live. */
function finding(key: string, DetectorName: string) {
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
    ...{ SourceType: 7, SourceName: "trufflehog - github", DetectorType: 201, DetectorName },
    ...{ DecoderName: "PLAIN", Verified: true, Raw: key, RawV2: "", SecretParts: { key } },
  };
}

function consumerText(name: string): string {
  return `      - { name: ${name}, evidence: [client], maxStale: 20s, demandUse: true, roles: [${consumerRole}] }`;
}

function policyText(facts: {
  readonly adminArn: string;
  readonly secretArn: string;
  readonly settings: Readonly<Record<string, unknown>>;
  readonly options: DemonstrationOptions;
}): string {
  const { plan, standIn = "openai", own = {} } = facts.options;
  const { store, consumerLines = [] } = own;
  const settings = Object.entries({ ...standInRow(standIn).settings, ...facts.settings });
  // Other stand-ins count by the minute or not at all, which a short run cannot wait for.
  const signals = standIn === "openai" ? "" : "\n    signals: [client]";
  return `version: 1
environment: ${environment}
account: "${account}"
providers:
  ${standIn}-main:
    kind: ${standIn}
${standInRow(standIn).deployment === undefined ? `    adminCredential: ${facts.adminArn}\n` : ""}${settings.map(([name, value]) => `    ${name}: ${JSON.stringify(value)}`).join("\n")}
    # The stand-in is quick, so that this run is short. Leave these out for the real provider.
    propagation: { usageLagMs: 1000, deadProbes: 5, deadWindowMs: 1000, probeEveryMs: 250, dieMs: 60000 }
secrets:
  ${secretName}:
    arn: ${JSON.stringify(facts.secretArn)}
    ${store === undefined ? "field: apiKey" : `store: ${store.name}`}
    provider: ${standIn}-main
    rotate: manual
    overlap: 2m
    quiet: 3s${signals}
    soak: 1s
    consumers:
${[...consumers.map(consumerText), ...consumerLines].join("\n")}
${plan === undefined ? "" : `    incident: { plan: ${plan}, containBy: 1m }\n`}`;
}
