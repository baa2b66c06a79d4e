import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { together } from "../../consumers/together.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { type Ledger, ledgerOn } from "../../ledger/ledger.ts";
import { rekey } from "../command.ts";
import { closing } from "../demonstration.ts";
import { type Fleet, startFleet } from "../fleet.ts";
import { standInRow } from "../stand-ins.ts";
import { account, clientAs, environment, type LocalCloud, startLocalCloud } from "../world.ts";
import { type EstateAccount, openAccount } from "./account.ts";

/** Secrets of one provider account. */
export interface EstatePart {
  readonly account: string;
  readonly kind: EstateAccount["kind"];
  readonly secrets: number;
  /** What its secrets' blocks say besides the place of the key and its consumers. */
  readonly block: string;
  /** Of this account, where its issuer answers less than the others. */
  readonly callsPerSecond?: number;
  /** rekey.yml says how many calls a second the account answers, so that rotations wait for their turn. */
  readonly isBudgeted?: boolean;
  /** Nobody uses these keys. */
  readonly isIdle?: boolean;
}

export interface EstateSecret {
  readonly name: string;
  readonly secretArn: string;
  readonly account: EstateAccount;
  readonly keyId: string;
  readonly consumer: string | undefined;
  readonly part: EstatePart;
}

/** A company with many secrets: a cloud, provider accounts with budgets, and shared consumer programs under traffic. */
export interface Estate {
  readonly cloud: LocalCloud;
  readonly ledger: Ledger;
  readonly accounts: readonly EstateAccount[];
  readonly secrets: readonly EstateSecret[];
  readonly fleet: Fleet;
  readonly policyFile: string;
  /** How long the first `rekey apply` took. */
  readonly appliedMs: number;
  /** The policy file, with what each secret's block says. */
  writePolicy(block: (secret: EstateSecret) => string): void;
  rekey(...args: readonly string[]): Promise<string>;
  /** Runs `rekey` with the permissions of somebody who administers the AWS account. */
  asAdministrator(...args: readonly string[]): Promise<string>;
  close(): Promise<void>;
}

export interface EstateOptions {
  readonly parts: readonly EstatePart[];
  readonly callsPerSecond: number;
  readonly consumers: number;
  onProgress(text: string): void;
  onOpen(close: () => Promise<void>): void;
}

const atOnceMax = 16;
const consumerRole = `arn:aws:iam::${account}:role/consumers`;
/** Times of the stand-ins, in the order of what real issuers show. */
const provider = { latencyMs: 15, activateMs: 300, dieMs: 1_000, lastUsedLagMs: 300, usageLagMs: 300 };
const propagation =
  "{ usageLagMs: 1000, deadProbes: 3, deadWindowMs: 1000, probeEveryMs: 1000, dieMs: 60000 }";

export async function openEstate(options: EstateOptions): Promise<Estate> {
  const folder = mkdtempSync(join(tmpdir(), "rekey-estate-"));
  const { undo, close } = closing();
  options.onOpen(close);
  undo(async () => rmSync(folder, { recursive: true, force: true }));
  try {
    return await furnished({ folder, undo, close, options });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Opening {
  readonly folder: string;
  readonly options: EstateOptions;
  undo(each: () => Promise<void>): void;
  close(): Promise<void>;
}

async function furnished({ folder, options, undo, close }: Opening): Promise<Estate> {
  const { parts, callsPerSecond, onProgress } = options;
  const accounts: EstateAccount[] = [];
  for (const { account: name, kind, ...part } of parts) {
    const own = part.callsPerSecond ?? callsPerSecond;
    const opened = await openAccount({ name, kind, callsPerSecond: own, fake: provider });
    undo(() => opened.close());
    accounts.push(opened);
  }
  const total = parts.reduce((sum, { secrets }) => sum + secrets, 0);
  onProgress(`starting the cloud, ${accounts.length} provider accounts and ${total} secrets`);
  const cloud = await startLocalCloud({ folder, deployment: { secrets: ["*-key"] } });
  undo(() => cloud.close());
  const admins = await adminSecrets(cloud, accounts);
  const secrets = await keysOf({ cloud, accounts, options });
  const policyFile = join(folder, "rekey.yml");
  const writePolicy: Estate["writePolicy"] = (block) =>
    writeFileSync(policyFile, policyText({ accounts, admins, secrets, block }));
  writePolicy(({ part }) => part.block);
  onProgress(`applying the policies of ${total} secrets (rekey apply)`);
  const applyAtMs = Date.now();
  await rekey(cloud, ["apply", policyFile]);
  const appliedMs = Date.now() - applyAtMs;
  const fleet = await startFleet(jobsOf(secrets), ({ consumer }) => cloud.consumerEnv(consumer));
  undo(() => fleet.stop());
  const table = dynamoTable(new DynamoDBClient(clientAs(cloud, "reader")), cloud.outputs["TableName"] ?? "");
  for (const each of accounts) each.limit();
  return {
    ...{ cloud, accounts, secrets, fleet, policyFile, appliedMs, writePolicy, close },
    ledger: ledgerOn(table),
    rekey: (...args) => rekey(cloud, args),
    asAdministrator: (...args) => rekey(cloud, args, { as: "administrator" }),
  };
}

type Admins = ReadonlyMap<EstateAccount, string>;

async function adminSecrets(cloud: LocalCloud, accounts: readonly EstateAccount[]): Promise<Admins> {
  const admins = new Map<EstateAccount, string>();
  for (const each of accounts)
    admins.set(each, await create(cloud, { name: `rekey/admin/${each.name}`, text: each.fake.adminKey }));
  return admins;
}

async function create(
  cloud: LocalCloud,
  { name, text }: { readonly name: string; readonly text: string },
): Promise<string> {
  const client = new SecretsManagerClient(clientAs(cloud, "administrator"));
  const Tags = [{ Key: "Environment", Value: environment }];
  const { ARN = "" } = await client.send(new CreateSecretCommand({ Name: name, SecretString: text, Tags }));
  return ARN;
}

async function keysOf({
  cloud,
  accounts,
  options,
}: {
  readonly cloud: LocalCloud;
  readonly accounts: readonly EstateAccount[];
  readonly options: EstateOptions;
}): Promise<readonly EstateSecret[]> {
  const wanted = options.parts.flatMap((part, index) =>
    Array.from({ length: part.secrets }, (_, number) => ({
      part,
      account: accounts[index] as EstateAccount,
      name: `${part.account}-${String(number + 1).padStart(4, "0")}-key`,
      consumer: part.isIdle ? undefined : `app-${(number % options.consumers) + 1}`,
    })),
  );
  return together(wanted, {
    atOnceMax,
    work: async (each) => {
      const { keyId, secret } = each.account.fake.addKey({ name: each.name });
      return { ...each, keyId, secretArn: await create(cloud, { name: each.name, text: secret.reveal() }) };
    },
  });
}

/** Each program uses keys of every account, one instance each: a wave that is too wide would move it everywhere at once. */
function jobsOf(secrets: readonly EstateSecret[]) {
  const names = [...new Set(secrets.flatMap(({ consumer }) => consumer ?? []))];
  return names.map((consumer) => ({
    ...{ consumer, environment, maxStaleMs: 120_000, instances: 1, requestsPerSecond: 0.1 },
    ...{ watchEveryMs: 45_000, refreshEveryMs: 30_000 },
    reportBus: `rekey-reports-${environment}`,
    keys: secrets
      .filter((each) => each.consumer === consumer)
      .map(({ secretArn, account: { origin, fake } }) => {
        const { path, header, scheme } = fake.consumer;
        return { secret: secretArn, call: { url: `${origin}${path}`, header, scheme } };
      }),
  }));
}

function policyText(facts: {
  readonly accounts: readonly EstateAccount[];
  readonly admins: Admins;
  readonly secrets: readonly EstateSecret[];
  block(secret: EstateSecret): string;
}): string {
  const { accounts, admins, secrets, block } = facts;
  const budgets = new Map(
    secrets.flatMap(({ account, part }) => (part.isBudgeted ? [[account, account.callsPerSecond]] : [])),
  );
  const providers = accounts.map((each) => {
    const { name, kind, fake, origin } = each;
    const settings = Object.entries({ ...standInRow(kind).settings, ...fake.settingsAt(origin) });
    const said = settings.map(([field, value]) => `${field}: ${JSON.stringify(value)}`);
    const budget = budgets.get(each);
    const all = [`kind: ${kind}`, `adminCredential: ${JSON.stringify(admins.get(each))}`, ...said];
    if (budget !== undefined) all.push(`budget: { callsPerSecond: ${budget} }`);
    return `  ${name}: { ${all.join(", ")}, propagation: ${propagation} }`;
  });
  const blocks = secrets.map((secret) => {
    const { name, secretArn, consumer } = secret;
    const who =
      consumer === undefined
        ? "none"
        : `[{ name: ${consumer}, evidence: [client], maxStale: 2m, roles: ["${consumerRole}"] }]`;
    const at = `arn: ${JSON.stringify(secretArn)}, provider: ${secret.account.name}`;
    return `  ${name}: { ${at}, ${block(secret)}, consumers: ${who} }`;
  });
  return [
    ...["version: 1", `environment: ${environment}`, `account: "${account}"`],
    ...["providers:", ...providers, "secrets:", ...blocks, ""],
  ].join("\n");
}
