import { setTimeout as pause } from "node:timers/promises";
import { SFNClient } from "@aws-sdk/client-sfn";
import { auditLog } from "../audit/chain.ts";
import type { LogLine } from "../functions/deps.ts";
import { nodeDigest } from "../functions/wiring.ts";
import type { RotationRecord } from "../ledger/entries.ts";
import { type Demonstration, startDemonstration } from "./demonstration.ts";
import { historyOf, type Passage } from "./history.ts";
import { rotationLine } from "./narration.ts";
import type { Screen } from "./screen.ts";
import { stayUntilInterrupted } from "./stay.ts";
import { region } from "./world.ts";

/** Far above the usual 15 s; a run that needs more has broken a rule. */
const runMaxMs = 90_000;
const pollMs = 100;
const startInMs = 2_500;
/** Traffic on the incoming key alone, so that a key revoked too early would show. */
const afterMs = 1_500;

export async function runRotation({
  shown,
  stay,
}: {
  readonly shown: Screen;
  readonly stay: boolean;
}): Promise<number> {
  const startedAt = Date.now();
  const narrator = narrate(shown);
  const company = await startDemonstration({
    onLog: narrator.hear,
    rotateAt: new Date(Math.ceil((Date.now() + startInMs + bootMs) / 1000) * 1000),
  });
  try {
    introduce(company, shown);
    const applied = await company.rekey("apply", "--file", company.policyFile);
    for (const line of applied.trim().split("\n")) shown.say(line);
    const rotation = await finished(company, { untilMs: Date.now() + runMaxMs, onStart: narrator.start });
    await pause(afterMs);
    const summary = await summarize({ company, rotation, ms: Date.now() - startedAt });
    const complaints = judge(summary, rotation);
    conclude({ shown, summary, complaints });
    if (stay) await stayUntilInterrupted(company, shown);
    return complaints.length === 0 ? 0 : 1;
  } finally {
    await company.close();
  }
}

/** Boot and apply take about this long on two slow cores; the schedule must lie behind them. */
const bootMs = 2_500;

function introduce(company: Demonstration, shown: Screen): void {
  const { tallies } = company.fleet;
  shown.say(`local cloud at ${company.cloud.url}; an OpenAI stand-in beside it`);
  shown.say(
    `${tallies().size} consumer programs with 2 instances each, 120 requests/s in all, on key ${company.retiringKeyId}`,
  );
}

/** Turns the functions' own log lines into the story of the run, as they happen. */
function narrate(shown: Screen) {
  let startedAt: number | undefined;
  return {
    start: () => {
      startedAt ??= Date.now();
    },
    hear: (line: LogLine) => {
      const told = rotationLine(line);
      if (told === undefined) return;
      startedAt ??= Date.now();
      shown.step({ elapsedMs: Date.now() - startedAt, ...told });
    },
  };
}

async function finished(
  company: Demonstration,
  { untilMs, onStart }: { readonly untilMs: number; onStart(): void },
): Promise<RotationRecord> {
  while (Date.now() < untilMs) {
    const [rotation] = await company.ledger.rotations(company.secretArn);
    if (rotation !== undefined) onStart();
    if (rotation !== undefined && rotation.outcome !== "running") return rotation;
    await pause(pollMs);
  }
  throw new Error(`the rotation has not ended after ${runMaxMs / 1000} s`);
}

export interface Summary {
  readonly type: "summary";
  readonly outcome: RotationRecord["outcome"];
  readonly rotationId: string;
  readonly secret: string;
  readonly retiring: { readonly keyId: string; readonly dead: boolean; readonly probes: number };
  readonly incoming: { readonly keyId: string | undefined; readonly versionId: string | undefined };
  readonly consumers: readonly {
    readonly name: string;
    readonly instances: number;
    readonly adopted: boolean;
  }[];
  readonly traffic: { readonly requests: number; readonly failed: number };
  readonly machine: { readonly transitions: number; readonly retries: number };
  readonly calls: { readonly secretsManager: number; readonly provider: number; readonly dynamodb: number };
  readonly audit: { readonly entries: number; readonly verified: boolean };
  readonly ms: number;
}

async function summarize(run: {
  readonly company: Demonstration;
  readonly rotation: RotationRecord;
  readonly ms: number;
}): Promise<Summary> {
  const { company, rotation, ms } = run;
  const states = await passagesOf(company, rotation);
  const audit = await auditLog({ table: company.table, digest: nodeDigest, now: Date.now }).verify(
    company.secretArn,
  );
  const retiring = company.provider.state().find(({ keyId }) => keyId === company.retiringKeyId);
  return {
    type: "summary",
    outcome: rotation.outcome,
    rotationId: rotation.rotationId,
    secret: company.secretArn,
    retiring: {
      keyId: company.retiringKeyId,
      dead: rotation.certificate !== undefined && retiring?.isAccepted === false,
      probes: rotation.certificate?.probes ?? 0,
    },
    incoming: { keyId: rotation.incomingKeyId, versionId: rotation.incomingVersionId },
    consumers: await adoptionOf(company, rotation),
    traffic: company.fleet.tally(),
    machine: {
      transitions: states.length,
      retries: states.reduce((sum, { attempts }) => sum + Math.max(0, attempts - 1), 0),
    },
    calls: callsOf(company),
    audit: { entries: audit.entries, verified: audit.verified },
    ms,
  };
}

async function passagesOf(
  company: Demonstration,
  { executionArn }: RotationRecord,
): Promise<readonly Passage[]> {
  const { AWS_ACCESS_KEY_ID: accessKeyId = "" } = company.cloud.env("operator");
  const client = new SFNClient({
    region,
    endpoint: company.cloud.url,
    credentials: { accessKeyId, secretAccessKey: "FAKE" },
  });
  return historyOf(client, executionArn);
}

/** What the consumers say now, not what the gate believed: the two have to agree. */
async function adoptionOf(company: Demonstration, rotation: RotationRecord) {
  const { keys } = await company.ledger.secret(company.secretArn);
  const incoming = keys.find(({ keyId }) => keyId === rotation.incomingKeyId)?.fingerprint;
  const evidence = await company.ledger.evidence(company.secretArn);
  return company.consumers.map((name) => {
    const instances = evidence.filter((item) => item.kind === "client" && item.consumer === name);
    const adopted = instances.every((item) => item.kind === "client" && item.holds.fingerprint === incoming);
    return { name, instances: instances.length, adopted: adopted && instances.length > 0 };
  });
}

/** Rekey's own calls; the consumers' are not counted. */
function callsOf(company: Demonstration) {
  const own = company.cloud.trail.filter(
    ({ eventSource, userIdentity }) =>
      eventSource === "secretsmanager.amazonaws.com" &&
      userIdentity.arn?.includes("rekey-functions") === true,
  );
  const { byOperation } = company.provider.counters();
  const { use = 0, ...admin } = byOperation;
  void use;
  return {
    secretsManager: own.length,
    provider: Object.values(admin).reduce((sum, count) => sum + count, 0),
    dynamodb: Object.values(company.cloud.requests()["dynamodb"] ?? {}).reduce(
      (sum, count) => sum + count,
      0,
    ),
  };
}

/** Each broken rule in words; an empty list is a passed run. */
function judge(summary: Summary, rotation: RotationRecord): readonly string[] {
  const complaints: string[] = [];
  if (summary.outcome !== "rotated")
    complaints.push(`the run ended as ${summary.outcome}: ${rotation.reason ?? "no reason"}`);
  if (summary.traffic.failed > 0) complaints.push(`${summary.traffic.failed} requests failed`);
  if (summary.traffic.requests === 0) complaints.push("there was no traffic to protect");
  if (!summary.retiring.dead) complaints.push("the retiring key was not proven dead");
  if (!summary.audit.verified) complaints.push("the audit chain does not verify");
  for (const { name, adopted } of summary.consumers) {
    if (!adopted) complaints.push(`${name} does not hold the incoming key`);
  }
  return complaints;
}

function conclude(end: {
  readonly shown: Screen;
  readonly summary: Summary;
  readonly complaints: readonly string[];
}): void {
  const { shown, summary, complaints } = end;
  const { traffic, retiring, incoming, audit, machine, calls } = summary;
  const good = (isGood: boolean, text: string) => shown.verdict({ isGood, text });
  shown.say(`${summary.outcome} in ${(summary.ms / 1000).toFixed(1)} s, boot included`);
  good(traffic.failed === 0, `${traffic.requests} requests served, ${traffic.failed} failed`);
  good(retiring.dead, `retiring key ${retiring.keyId} refused ${retiring.probes} times in a row: dead`);
  good(incoming.keyId !== undefined, `incoming key ${incoming.keyId ?? "none"} held by every instance`);
  good(audit.verified, `audit chain of ${audit.entries} entries verified`);
  shown.say(
    `${machine.transitions} states entered, ${machine.retries} retries; calls: ${calls.secretsManager} Secrets Manager, ${calls.provider} provider, ${calls.dynamodb} DynamoDB`,
  );
  for (const complaint of complaints)
    shown.error(complaint, "the run's log lines above say which step decided what");
  shown.summary(summary);
}
