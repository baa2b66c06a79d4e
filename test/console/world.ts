import { createHash } from "node:crypto";
import { rotationCertificateName } from "../../audit/certificates.ts";
import { auditLog } from "../../audit/chain.ts";
import { signedDigestOf } from "../../audit/dsse.ts";
import { sourcesFrom } from "../../cli/commands/console.ts";
import type { InstanceEvidence } from "../../core/adoption/evidence.ts";
import { figuresOf } from "../../core/campaign/progress.ts";
import type { CampaignKey } from "../../core/campaign/record.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "../../core/incident/record.ts";
import type { ConsumerPolicy, Policy } from "../../core/policy.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import type { RotationRecord } from "../../ledger/entries.ts";
import { instancesIn } from "../../ledger/instances.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { golden, goldenKey } from "../machine/certificate/golden.ts";

export const nowMs = Date.UTC(2026, 10, 30, 12, 0, 0);
const minute = 60_000;
const day = 24 * 60 * minute;
const environment = "production";
const account = "111122223333";
const digest = { sha256Hex: (text: string) => createHash("sha256").update(text).digest("hex") };

export const arnOf = (name: string) => `arn:aws:secretsmanager:eu-central-1:${account}:secret:${name}-AbCdEf`;
const printOf = (keyId: string) => `sha256:${digest.sha256Hex(`FAKE ${keyId}`)}`;

function consumer(name: string): ConsumerPolicy {
  return {
    ...{ name, environment, account, evidence: ["client"], maxStaleMs: 5 * minute, demandUse: true },
    refresh: { kind: "announce" },
  };
}

export function policyOf(name: string, changes: Partial<Policy> = {}): Policy {
  return {
    ...{ secretArn: arnOf(name), name, environment, mode: "rotate", signals: ["client"], retain: false },
    provider: { account: "main", kind: "openai", settings: {} },
    consumers: [consumer("billing"), consumer("search"), consumer("support")],
    ...{ maxAgeMs: 90 * day, quietMs: 5 * minute, overlapMs: 60 * minute, soakMs: minute },
    schedule: "rate(30 days)",
    incident: { containByMs: 10 * minute, escalateAfterMs: 5 * minute },
    ...changes,
  };
}

/** A ledger in memory, with the sources that the command line would give to the page. */
export function emptyWorld() {
  /** The files of the audit bucket, signed by the golden key; its page reads them like AWS's. */
  const filed = new Map<string, string>();
  const certificates = async () => ({
    read: async (path: string) => filed.get(path),
    publicKey: async () => goldenKey().export({ type: "spki", format: "der" }),
  });
  const table = memoryTable();
  const ledger = ledgerOn(table);
  const clock = { nowMs };
  const audit = auditLog({ table, digest, now: () => clock.nowMs });
  const sources = sourcesFrom({
    ledger,
    audit,
    checkpoints: undefined,
    certificates,
    digest,
    nowMs: () => clock.nowMs,
  });
  const change = (name: string, edit: (record: SecretRecord) => SecretRecord) =>
    ledger.changeSecret(arnOf(name), (record) => ({ ...edit(record), seq: record.seq + 1 }));
  return { table, ledger, audit, clock, sources, change, filed };
}

export type World = ReturnType<typeof emptyWorld>;

/** A secret whose current key is as old as this. */
export async function addSecret(world: World, policy: Policy, ageMs: number): Promise<void> {
  const keyId = `key_${policy.name}`;
  await world.ledger.putPolicy(policy);
  await world.ledger.changeSecret(policy.secretArn, (record) => ({
    ...record,
    seq: record.seq + 1,
    keys: [
      {
        ...{ name: "made by hand", state: "current", keyId, versionId: `version-${keyId}` },
        ...{ fingerprint: printOf(keyId), promotedAtMs: nowMs - ageMs },
      },
    ],
  }));
}

export async function addFleet(world: World, count: number): Promise<void> {
  const providers = ["openai", "anthropic", "azure-openai"];
  for (let index = 0; index < count; index += 1) {
    const kind = providers[index % providers.length] ?? "openai";
    const owner = `team-${String(index % 40).padStart(2, "0")}`;
    const name = `${owner}-service-${String(index).padStart(4, "0")}`;
    const changes = { owner, provider: { account: "main", kind, settings: {} } };
    await addSecret(world, policyOf(name, changes), (((index * 37) % 100) / 100) * 85 * day);
  }
}

interface Held {
  readonly consumer: string;
  readonly instance: string;
  readonly holds: string;
  readonly agoMs?: number;
  readonly uses?: InstanceEvidence["uses"];
  readonly ended?: boolean;
}

export async function addReport(world: World, secret: string, report: Held): Promise<void> {
  const { agoMs = 2_000, uses = [], ended = false, holds, ...who } = report;
  await instancesIn(world.ledger.documents).putInstance(arnOf(secret), {
    ...{
      kind: "client",
      environment,
      account,
      sequence: world.clock.nowMs,
      maxStaleMs: 5 * minute,
      uses,
      ended,
    },
    ...{ ...who, observedAtMs: world.clock.nowMs - agoMs },
    holds: { fingerprint: printOf(holds), versionId: `version-${holds}` },
  });
}

export const rotationId = "rekey-billing-key-20261130";

/** A rotation in the middle: promoted, and waiting for two of its consumers. */
export async function addRotation(world: World, name = "billing-key"): Promise<void> {
  const secretArn = arnOf(name);
  const policy = policyOf(name);
  await addSecret(world, policy, 88 * day);
  const [retiring, incoming] = [`key_${name}`, `key_${name}_next`];
  const placed = (keyId: string) => ({
    ...{ keyId, versionId: `version-${keyId}`, fingerprint: printOf(keyId) },
  });
  const opened = { outcome: "opened", next: "MintKey", fence: 1 } as const;
  const rotation: RotationRecord = {
    ...{ rotationId, secretArn, fence: 1, trigger: "schedule", outcome: "running", opened, policy },
    executionArn: `arn:aws:states:eu-central-1:${account}:execution:rekey-rotation:${rotationId}`,
    openedAtMs: nowMs - 4 * minute,
    ...{ retiringKeyId: retiring, incomingKeyId: incoming, incomingVersionId: `version-${incoming}` },
    gate: {
      ...{ verdict: "waiting", decision: "waiting", blockers: [], askedAtMs: nowMs - 4_000 },
      reasons: [
        {
          ...{
            reason: "HoldsRetiringKey",
            consumer: "search",
            environment,
            instance: "search-2",
            source: "client",
          },
          ...{ agoMs: 3_000, detail: "still holds the retiring key" },
        },
        {
          reason: "QuietWindowOpen",
          source: "client",
          remainingMs: 4 * minute,
          detail: "the quiet window is open",
        },
      ],
    },
  };
  await world.ledger.changeRotation({ secretArn, rotationId }, () => rotation);
  await world.change(name, (record) => ({
    ...record,
    fence: 1,
    lease: { runId: rotationId, kind: "rotation", executionArn: rotation.executionArn },
    run: {
      ...{
        rotationId,
        attempt: 1,
        phase: "promoted",
        retiring: placed(retiring),
        incoming: placed(incoming),
      },
      ...{ promotedAtMs: nowMs - 3 * minute, deadlineAtMs: nowMs + 57 * minute },
    },
    wait: { rotationId, token: "FAKE", decision: "waiting" },
  }));
  await addReports(world, { name, retiring, incoming });
  const step = "arn:aws:sts::111122223333:assumed-role/rekey/promote-version";
  const log = (id: string, action: string, agoMs: number) =>
    world.audit.append(secretArn, {
      ...{ id, action, actor: step, atMs: nowMs - agoMs, detail: { rotationId, keyId: incoming } },
    });
  await log("1", "RotationRequested", 4 * minute + 2_000);
  await log("2", "VersionPromoted", 3 * minute);
}

interface Moving {
  readonly name: string;
  readonly retiring: string;
  readonly incoming: string;
}

async function addReports(world: World, { name, retiring, incoming }: Moving): Promise<void> {
  const usedBoth = [
    { fingerprint: printOf(incoming), lastSuccessAgoMs: 200, lastRefusalAgoMs: null },
    { fingerprint: printOf(retiring), lastSuccessAgoMs: 20_000, lastRefusalAgoMs: null },
  ];
  const report = (consumer: string, number: number, more: Omit<Held, "consumer" | "instance">) =>
    addReport(world, name, { consumer, instance: `${consumer}-${number}`, ...more });
  await report("billing", 1, { holds: incoming });
  await report("billing", 2, { holds: incoming, uses: usedBoth });
  await report("search", 1, { holds: incoming });
  await report("search", 2, { holds: retiring });
  await report("support", 1, { holds: incoming });
  await report("support", 2, { holds: retiring, agoMs: 150_000 });
}

export const incidentId = "incident-search-key-1";

/** A leak, four minutes old: the revoke is accepted, the key is not dead yet, one consumer is cut off. */
export async function addIncident(world: World, name = "search-key"): Promise<void> {
  await addSecret(world, policyOf(name), 12 * day);
  const secretArn = arnOf(name);
  const detectedAtMs = nowMs - 4 * minute;
  const keyId = `key_${name}`;
  const key: KeyInScope = {
    ...{
      role: "rotated",
      keyId,
      fingerprint: printOf(keyId),
      account: "main",
      provider: "openai",
      secretArn,
    },
    ...{ standing: "current", state: "accepted", probes: 3, refusals: 1 },
    ...{ revokeIntendedAtMs: detectedAtMs + 40_000, acceptedAtMs: detectedAtMs + 41_000 },
  };
  const secret: SecretInScope = {
    ...{
      secretArn,
      name,
      environment,
      standing: "current",
      replacement: "promoted",
      keyId,
      behind: ["search"],
    },
    ...{ incomingKeyId: `${keyId}_next`, promotedAtMs: detectedAtMs + 12_000 },
    moved: [{ consumer: "billing", atMs: detectedAtMs + 15_000 }],
  };
  const told = (offsetMs: number, what: IncidentRecord["timeline"][number]["what"], detail: string) => ({
    ...{ atMs: detectedAtMs + offsetMs, what, detail },
  });
  await world.ledger.incidents.reportIncident({
    ...{ incidentId, subject: printOf(keyId), status: "open", seq: 9, starts: 1, test: false, checklist: [] },
    ...{ plan: "contain-first", planWhy: "the live key was found in a public repository" },
    match: { by: "fingerprint", text: `${keyId} of ${name}` },
    ...{ detectedAtMs, receivedAtMs: detectedAtMs + 1_000, openedAtMs: detectedAtMs + 2_000 },
    ...{ deadlineAtMs: detectedAtMs + 15 * minute, escalateAtMs: detectedAtMs + 5 * minute },
    ...{ keys: [key], secrets: [secret], alerts: [], pages: [], waits: [] },
    timeline: [
      told(0, "reported", "trufflehog found it in acme/shop, public"),
      told(2_000, "opened", "opened"),
      told(2_100, "planChosen", "contain-first: public exposure of a live key"),
      told(12_000, "replacementPromoted", `${name} holds ${keyId}_next`),
      told(40_000, "revokeIntended", keyId),
      told(41_000, "revokeAccepted", keyId),
    ],
    notes: [
      { by: "arn:aws:iam::111122223333:user/ana", text: "repository made private", atMs: nowMs - minute },
    ],
    reports: [],
  });
}

/** A run that has ended with the golden certificate. */
export async function addCertified(world: World, name: string): Promise<string> {
  const [secretArn, rotationId] = [arnOf(name), "r-1"];
  const policy = policyOf(name, { owner: "payments" });
  await addSecret(world, policy, 3 * day);
  const path = rotationCertificateName(secretArn, rotationId);
  const text = golden("rotated");
  world.filed.set(path, text);
  await world.ledger.changeRotation({ secretArn, rotationId }, () => ({
    ...{ rotationId, secretArn, executionArn: "arn", fence: 1, trigger: "schedule", policy },
    ...{ openedAtMs: nowMs - 3 * day, closedAtMs: nowMs - 3 * day + minute, outcome: "rotated" as const },
    opened: { outcome: "opened" as const, next: "MintKey" as const, fence: 1 },
    certificate: { path, sha256: signedDigestOf(text) ?? "", keyid: "" },
  }));
  return path;
}

export const campaignId = "c-81f2";

/** A breach of one provider: two keys contained, one on its way, one that a person has to see to, one that waits. */
export async function addCampaign(world: World): Promise<void> {
  const openedAtMs = nowMs - 3 * minute;
  const key = (place: number, name: string, more: Partial<CampaignKey>): CampaignKey => ({
    ...{ place, name, secretArn: arnOf(name), environment, account: "main", provider: "openai" },
    ...{ callsPerSecond: 5, consumers: [], plan: "contain-first", wave: "rest", why: "x" },
    ...more,
  });
  const begun = { startedAtMs: openedAtMs, incidentId };
  const moving = { isReplaced: true, refusedInstances: 0, hasMoved: false, isOver: false };
  const keys = [
    key(1, "abused-key", {
      ...{ ...begun, wave: "abused" },
      progress: { ...moving, containedAtMs: openedAtMs + minute },
    }),
    key(2, "shop-key", { ...begun, wave: "canary", progress: { ...moving, containedAtMs: nowMs - 1_000 } }),
    key(3, "search-key", { ...begun, progress: moving }),
    key(4, "legacy-key", {
      ...begun,
      progress: { ...moving, isReplaced: false, person: "quota reached", failure: "quota reached" },
    }),
    key(5, "mail-key", { person: "supply a key: rekey supply mail-key" }),
  ];
  for (const each of keys) await world.ledger.campaigns.addCampaignKey(campaignId, each);
  await world.ledger.campaigns.openCampaign({
    ...{ campaignId, title: "provider openai-main", reason: "breach at the provider", openedAtMs },
    ...{ by: "arn:aws:iam::111122223333:user/ana", deadlineAtMs: openedAtMs + 15 * minute },
    ...{ status: "running", failuresAccepted: 0, keys: keys.length, figures: figuresOf(keys) },
    ...{ timeline: [{ atMs: openedAtMs, what: "opened", detail: "opened" }], pages: [] },
  });
}
