import { setTimeout as pause } from "node:timers/promises";
import { type Demonstration, startDemonstration } from "../local/demonstration.ts";
import { historyOf, type Passage } from "../local/history.ts";
import { type BenchRow, rowOf } from "./row.ts";

const runs = 3;
const runMaxMs = 60_000;
const pollMs = 10;
/** The demonstration's quiet window of 3 s, and the second that its provider may be late. */
const quietMs = 4_000;

/** States that are entered again only while the run waits for somebody or something. */
const laps: ReadonlySet<string> = new Set([
  ...["CheckAdoption", "HasEveryoneMoved", "AwaitEvidence", "RevokeKey", "IsRevoked"],
  ...["SoakQuarantine", "ProveDead", "IsDead", "WaitForDeath"],
]);

interface Measured {
  readonly states: number;
  readonly secretCalls: number;
  readonly adminCalls: number;
  readonly providerCalls: number;
  readonly revokeLateMs: number;
}

interface ProviderCall {
  readonly operation: string;
  readonly atMs: number;
}

/** The whole rotation under traffic on the local cloud: what it costs in states and calls. */
export async function happyPathRows(): Promise<BenchRow[]> {
  const measured: Measured[] = [];
  for (let run = 0; run < runs; run++) measured.push(await measure());
  const figures = (pick: (one: Measured) => number) => measured.map(pick);
  const template = { name: "AWS's four-step template, which revokes nothing", median: 11 };
  return [
    rowOf(
      { name: "states entered, laps not counted", unit: "states", budget: 18 },
      figures(({ states }) => states),
    ),
    rowOf(
      { name: "Secrets Manager calls, rotated secret", unit: "calls", budget: 11, peer: template },
      figures(({ secretCalls }) => secretCalls),
    ),
    rowOf(
      { name: "Secrets Manager calls, admin credential", unit: "calls", budget: 4 },
      figures(({ adminCalls }) => adminCalls),
    ),
    rowOf(
      { name: "provider calls, polls and probes not counted", unit: "calls", budget: 9 },
      figures(({ providerCalls }) => providerCalls),
    ),
    rowOf(
      { name: "revoke begins after evidence and quiet window", unit: "ms", budget: 1_000 },
      figures(({ revokeLateMs }) => revokeLateMs),
    ),
  ];
}

async function measure(): Promise<Measured> {
  const calls: ProviderCall[] = [];
  const note = ({ operation }: { operation: string }) => {
    calls.push({ operation, atMs: Date.now() });
    return undefined;
  };
  const company = await startDemonstration({ provider: { activateMs: 0, faults: note } });
  try {
    await company.rekey("apply", company.policyFile);
    const trailBefore = company.cloud.trail.length;
    const callsBefore = calls.length;
    await company.rekey("rotate", "billing-key", "--reason", "bench");
    const lastUseAtMs = await watchUntilEnded(company);
    const passages = await passagesOf(company);
    const promotedAtMs = entered(passages, "Announce");
    const revokedAtMs = entered(passages, "RevokeKey");
    const reads = company.cloud.trail
      .slice(trailBefore)
      .filter(({ eventSource, userIdentity }) => isOwn(eventSource, userIdentity.arn))
      .map(({ requestParameters }) => requestParameters?.["secretId"]);
    return {
      states: passages.length - repeated(passages),
      secretCalls: reads.filter((id) => id === company.secretArn).length,
      adminCalls: reads.filter((id) => id !== company.secretArn).length,
      providerCalls: calls.slice(callsBefore).filter((call) => isCounted(call, { promotedAtMs, revokedAtMs }))
        .length,
      revokeLateMs: revokedAtMs - Math.max(lastUseAtMs, promotedAtMs) - quietMs,
    };
  } finally {
    await company.close();
  }
}

function isOwn(eventSource: string, principal: string | undefined): boolean {
  return eventSource.startsWith("secretsmanager") && principal?.includes("rekey-functions") === true;
}

/**
 * The consumers' traffic, the gate's questions and the probes of the dead key are not counted: they depend on
 * how long the run waits.
 */
function isCounted(
  { operation, atMs }: ProviderCall,
  run: { promotedAtMs: number; revokedAtMs: number },
): boolean {
  if (operation === "use") return false;
  if (operation === "find" || operation === "usage") return atMs < run.promotedAtMs;
  return operation !== "models" || atMs < run.revokedAtMs;
}

/** Resolves with the moment the provider last accepted the retiring key. */
async function watchUntilEnded(company: Demonstration): Promise<number> {
  const untilMs = Date.now() + runMaxMs;
  let uses = 0;
  let lastUseAtMs = 0;
  while (Date.now() < untilMs) {
    const accepted = company.provider.counters().byKey[company.retiringKeyId]?.accepted ?? 0;
    if (accepted > uses && (await isBeforeRevoke(company))) lastUseAtMs = Date.now();
    uses = accepted;
    const outcome = (await company.ledger.rotations(company.secretArn))[0]?.outcome;
    if (outcome === "rotated") return lastUseAtMs;
    if (outcome !== undefined && outcome !== "running")
      throw new Error(`the bench's rotation ended as ${outcome}`);
    await pause(pollMs);
  }
  throw new Error("the bench's rotation has not ended");
}

/** Afterwards, accepted uses are Rekey's own death probes. */
async function isBeforeRevoke(company: Demonstration): Promise<boolean> {
  const { run } = await company.ledger.secret(company.secretArn);
  return run?.phase !== "revoked" && run?.phase !== "dead";
}

function repeated(passages: readonly Passage[]): number {
  const visits = passages.map(({ state }) => state).filter((state) => laps.has(state));
  return visits.length - new Set(visits).size;
}

function entered(passages: readonly Passage[], state: string): number {
  return passages.findLast((passage) => passage.state === state)?.enteredAtMs ?? Number.NaN;
}

async function passagesOf(company: Demonstration): Promise<readonly Passage[]> {
  const [rotation] = await company.ledger.rotations(company.secretArn);
  return historyOf(company.cloud, rotation?.executionArn ?? "");
}
