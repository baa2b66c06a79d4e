import { createHash } from "node:crypto";
import { auditLog } from "../../audit/chain.ts";
import type { Digest, KeyProvider, RekeyEvent, SecretArn } from "../../core/ports.ts";
import type { Schedule } from "../../core/schedule.ts";
import { adminCredential } from "../../functions/adapters/admin-credential.ts";
import { answerAdmin } from "../../functions/admin/answer.ts";
import type { Answer } from "../../functions/admin/command.ts";
import type { AdminDeps, LogLine, Schedules, With } from "../../functions/deps.ts";
import { issueKey } from "../../functions/issue/issue-key.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { connected } from "../../providers/connect.ts";
import * as adapter from "../../providers/openai/adapter.ts";
import { type OpenAiFake, openaiFake } from "../../providers/openai/fake.ts";
import { openai } from "../../providers/openai/index.ts";
import { type MemoryStore, memoryStore } from "../../stores/secrets-manager/fake.ts";
import { tableUnderRole } from "../under-role.ts";
import { memoryMaker } from "./memory-maker.ts";

export const NOON_MS = Date.UTC(2026, 10, 22, 12);
export const ANNA = "arn:aws:sts::111122223333:assumed-role/operator/anna";
export const ADMIN_ARN = arnOf("rekey/admin/openai");
const digest: Digest = { sha256Hex: (text) => createHash("sha256").update(text).digest("hex") };

export function arnOf(name: string): SecretArn {
  return `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${name}-AbCdEf`;
}

export interface FileOptions {
  /** The YAML of a secret's block beside its ARN, by name. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly environment?: string;
  readonly mints?: boolean;
}

const plainBlock = "provider: main, rotate: { every: 30d }, consumers: [{ name: billing }]";

/** A `rekey.yml` with one provider. */
export function fileWith({ secrets, environment = "production", mints = true }: FileOptions): string {
  const owner = mints ? ", serviceAccount: svc_acct_FAKE" : "";
  const blocks = Object.entries(secrets).map(
    ([name, block]) => `  ${name}: { arn: "${arnOf(name)}", ${block || plainBlock} }`,
  );
  return [
    "version: 1",
    `environment: ${environment}`,
    'account: "111122223333"',
    `providers: { main: { kind: openai, adminCredential: "${ADMIN_ARN}", project: proj_FAKE${owner} } }`,
    "secrets:",
    ...blocks,
  ].join("\n");
}

/** An order with a proof that stands for a signature of the principal's. */
export function envelopeOf(
  order: string,
  { principal = ANNA, atMs = NOON_MS }: { readonly principal?: string; readonly atMs?: number } = {},
): string {
  const date = new Date(atMs).toISOString().replaceAll(/[-:]|\.\d+/g, "");
  return JSON.stringify({ order, proof: { authorization: principal, date } });
}

/** Takes the proof's word for who signed; test/contract/caller-identity.test.ts asks the stand-in of STS. */
export const trustingSts: AdminDeps["identifyCaller"] = async ({ proof }) => ({
  ...{ principal: proof.authorization, signedBy: proof.authorization },
});

/** One adapter per account, as the wiring makes them. */
function onePerAccount(store: MemoryStore, provider: OpenAiFake): AdminDeps["provider"] {
  const made = new Map<string, KeyProvider>();
  return ({ provider: { settings, adminCredential: arn } }) => {
    const id = JSON.stringify(settings);
    const known =
      made.get(id) ??
      connected(openai, adapter, { settings, admin: adminCredential(store, arn), http: provider.http() });
    made.set(id, known);
    return known;
  };
}

/** The function that makes secrets, under its own role. */
function issuerAs(deps: () => AdminDeps & With<"maker">): AdminDeps["issuer"] {
  return { make: async (issue) => void (await issueKey.run({ issue }, deps())) };
}

/** The admin function with everything around it in memory. */
export function adminWorld() {
  const table = memoryTable();
  const ledger = ledgerOn(table);
  const store = memoryStore();
  const provider = openaiFake({ now: () => NOON_MS });
  const schedules = memorySchedules();
  const executions = memoryExecutions();
  const events: RekeyEvent[] = [];
  const logs: LogLine[] = [];
  const audit = auditLog({ table, digest, now: () => NOON_MS });
  store.create(ADMIN_ARN, provider.adminKey);
  let requests = 0;
  const own = tableUnderRole("admin", table);
  const maker = memoryMaker(store, arnOf);
  const deps: AdminDeps = {
    environment: "production",
    ...{ ledger: ledgerOn(own), store, schedules, executions, digest },
    audit: auditLog({ table: own, digest, now: () => NOON_MS }),
    provider: onePerAccount(store, provider),
    escalator: {} as AdminDeps["escalator"],
    destinations: { named: () => undefined },
    bus: { publish: async (event) => void events.push(event) },
    clock: { nowMs: () => NOON_MS, pause: async () => undefined },
    log: (line) => void logs.push(line),
    newId: () => `id-${requests}`,
    identifyCaller: trustingSts,
    ...{ twoPeople: "off" as const, issuers: ["operator"] },
    issuer: issuerAs(() => ({ ...depsOf("issue-key"), maker })),
  };

  /** What another function has: the same world under its own role. */
  function depsOf(functionName: string): AdminDeps {
    const table = tableUnderRole(functionName, parts.table);
    return { ...deps, ledger: ledgerOn(table), audit: auditLog({ table, digest, now: () => NOON_MS }) };
  }

  /** A secret with a key of the provider in it. */
  function secret(name: string, options: { readonly field?: string } = {}) {
    const key = provider.addKey({ name: `${name} by hand` });
    const text = key.secret.reveal();
    const value =
      options.field === undefined ? text : JSON.stringify({ [options.field]: text, model: "gpt-fake" });
    const versionId = store.create(arnOf(name), value);
    return { ...key, versionId, secretArn: arnOf(name) };
  }

  async function send(body: unknown, principal: string | undefined = ANNA) {
    requests += 1;
    const iam = principal === undefined ? {} : { authorizer: { iam: { userArn: principal } } };
    const order = typeof body === "string" ? body : JSON.stringify({ ...(body as object), nonce: requests });
    const event = {
      body: envelopeOf(order, { principal }),
      isBase64Encoded: false,
      requestContext: { requestId: `request-${requests}`, timeEpoch: NOON_MS, ...iam },
    };
    const { statusCode, body: text } = await answerAdmin(event, deps);
    return { statusCode, answer: JSON.parse(text) as Answer };
  }

  async function told(name: string): Promise<string[]> {
    const lines: string[] = [];
    for await (const entry of audit.entries(name.startsWith("rekey") ? name : arnOf(name))) {
      lines.push(`${entry.action} by ${entry.actor.split("/").at(-1)}`);
    }
    return lines;
  }

  const parts = { table, ledger, store, maker, provider, schedules, executions, audit };
  return { ...parts, events, logs, deps, depsOf, secret, send, told };
}

export type AdminWorld = ReturnType<typeof adminWorld>;

function memorySchedules(): Schedules & { readonly stored: Map<string, Schedule>; writes: number } {
  const stored = new Map<string, Schedule>();
  const shelf = {
    stored,
    writes: 0,
    target: {
      group: "rekey",
      machineArn: "arn:aws:states:eu-west-1:111122223333:stateMachine:rekey-rotation",
      roleArn: "arn:aws:iam::111122223333:role/rekey-scheduler",
    },
    list: async (isWanted: (name: string) => boolean = () => true) =>
      [...stored.values()].filter(({ name }) => isWanted(name)),
    put: async (schedule: Schedule) => {
      shelf.writes += 1;
      stored.set(schedule.name, schedule);
    },
    remove: async (name: string) => {
      shelf.writes += 1;
      stored.delete(name);
    },
  };
  return shelf;
}

function memoryExecutions() {
  const started: { readonly name: string; readonly input: unknown }[] = [];
  const callbacks: { readonly token: string; readonly output: unknown }[] = [];
  const failed: { readonly token: string; readonly error: string }[] = [];
  const executions: AdminDeps["executions"] = {
    succeed: async (token, output) => {
      callbacks.push({ token, output });
      return "ok";
    },
    fail: async (token, { error }) => {
      failed.push({ token, error });
      return "ok";
    },
    describe: async () => ({ status: "RUNNING" }),
    start: async ({ name, input }) => {
      const executionArn = `arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:${name}`;
      if (started.some((run) => run.name === name)) return { executionArn, outcome: "alreadyStarted" };
      started.push({ name, input });
      return { executionArn, outcome: "started" };
    },
    stop: async () => undefined,
  };
  return { ...executions, started, callbacks, failed };
}
