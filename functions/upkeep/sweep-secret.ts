import { SecretUnusable } from "../../core/errors.ts";
import { isRotated, type Policy } from "../../core/policy.ts";
import type { Fingerprint, VersionId } from "../../core/ports.ts";
import { executionName } from "../../core/rotation/execution-name.ts";
import { currentIsIncoming } from "../../core/rotation/gate.ts";
import { queuedRotation, unqueue, whyFunctionChanged } from "../../core/rotation/native.ts";
import { whyNoRunOpens } from "../../core/rotation/open.ts";
import {
  currentKey,
  incidentWith,
  promotedRun,
  type SecretRecord,
} from "../../core/rotation/secret-record.ts";
import { supersededKeys } from "../../core/rotation/superseded.ts";
import { endedUnsettled, hasEnded, isAbandoned, nextTryMs, owedBy } from "../../core/rotation/sweep.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { RotationOutcome, RotationRecord } from "../../ledger/entries.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps, With } from "../deps.ts";
import { releaseLease } from "../incident/takeover/release-secrets.ts";
import { endLostRun } from "../native/end-lost-run.ts";
import { endAbortedWait } from "../secret/end-aborted-wait.ts";
import {
  freezeFor,
  freezeIfMoved,
  freezeSpentKey,
  type SpentKey,
  spentKey,
  whyFrozen,
} from "../secret/freeze.ts";
import { noteRun } from "../secret/run-record.ts";
import { settleRun } from "../secret/settle-run.ts";
import { versionIdFor } from "../secret/stage-key.ts";
import { stopFor } from "../secret/stop-order.ts";
import { sweepCopies } from "./sweep-copies.ts";

export interface Sweeping {
  readonly policy: Policy;
  readonly nowMs: number;
  readonly dryRun: boolean;
}

/** What was found on one secret, and repaired unless this is a dry run. */
export interface SecretFindings {
  readonly settled: number;
  readonly labels: number;
  readonly spent: number;
  readonly resumed: number;
  /** Copies that are not, or are not used, as Rekey wrote them. */
  readonly astray: number;
}

/** Attempts of one run that can have left a version; a run seldom has more than two. */
const attemptsMax = 8;

export async function sweepSecret(sweeping: Sweeping, deps: With<"destinations">): Promise<SecretFindings> {
  const settled = await settleAbandoned(sweeping, deps);
  await closeForgottenRuns(sweeping, deps);
  const record = await deps.ledger.secret(sweeping.policy.secretArn);
  const labels = await clearLeftovers({ ...sweeping, record }, deps);
  const spent = await pageSpentKey({ ...sweeping, record }, deps);
  if (spent === 0) await pageMovedKey({ ...sweeping, record }, deps);
  await freezeChangedFunction({ ...sweeping, record }, deps);
  if (!sweeping.dryRun) {
    await endLostRun(record, { nowMs: sweeping.nowMs, deps });
    await endAbortedWait(record, deps);
  }
  return {
    ...{ settled, labels, spent },
    astray: await sweepCopies({ ...sweeping, record }, deps),
    resumed: (await resumeOwed(sweeping, deps)) + (await startQueued(sweeping, deps)),
  };
}

/** The frozen secret pages; a function that is put back, or taken off, waits for `rekey release --unfreeze` like any freeze. */
async function freezeChangedFunction(
  { policy, dryRun, record }: Sweeping & { readonly record: SecretRecord },
  deps: Deps,
): Promise<void> {
  const { secretArn } = policy;
  if (record.nativeFunction === undefined || record.frozen !== undefined || dryRun) return;
  // Read anew, so that little else can change it while the store is asked.
  const before = await deps.ledger.secret(secretArn);
  const reason = whyFunctionChanged(before, await deps.store.nativeRotation(secretArn));
  if (reason !== undefined) await freezeFor({ record: before, reason }, deps);
}

/** Settles a run whose execution was stopped, or died while settling. */
async function settleAbandoned({ policy, nowMs, dryRun }: Sweeping, deps: Deps): Promise<number> {
  const { secretArn } = policy;
  const record = await deps.ledger.secret(secretArn);
  const { lease } = record;
  if (lease === undefined) return 0;
  if (lease.kind === "incident") return releaseAbandoned({ policy, nowMs, dryRun }, record, deps);
  const state = await deps.executions.describe(lease.executionArn);
  if (!isAbandoned(record, state)) return 0;
  const { runId: rotationId, executionArn } = lease;
  const reason = endedUnsettled(state);
  if (!dryRun) await settleRun({ secretArn, rotationId, executionArn, nowMs, reason }, deps);
  return 1;
}

/** Releases a secret whose incident has ended without releasing it. */
async function releaseAbandoned(
  { nowMs, dryRun }: Sweeping,
  held: SecretRecord,
  deps: Deps,
): Promise<number> {
  const { secretArn, fence, lease } = held;
  const incidentId = incidentWith(held);
  const record = incidentId === undefined ? undefined : await deps.ledger.incidents.incident(incidentId);
  if (lease === undefined || record === undefined) return 0;
  // If the incident was started again, it has a newer execution than the one in its lease.
  for (const executionArn of new Set([lease.executionArn, record.executionArn ?? lease.executionArn]))
    if (!isAbandoned(held, await deps.executions.describe(executionArn))) return 0;
  const reason = record.reason ?? "its incident ended without giving it back";
  if (!dryRun) await releaseLease({ record, secretArn, fence, atMs: nowMs, reason }, deps);
  return 1;
}

/** Closes the records of runs that could not do it themselves: they lost the fence, or died after freeing it. */
async function closeForgottenRuns({ policy, nowMs, dryRun }: Sweeping, deps: Deps): Promise<void> {
  if (dryRun) return;
  const { secretArn } = policy;
  const open = (await deps.ledger.rotations(secretArn)).filter(({ outcome }) => outcome === "running");
  for (const run of open) {
    const record = await deps.ledger.secret(secretArn);
    if (record.lease?.runId === run.rotationId) continue;
    if (!hasEnded(await deps.executions.describe(run.executionArn))) continue;
    const ticket = { secretArn, rotationId: run.rotationId };
    const reason = record.run?.owed?.reason ?? "its end was never written down";
    await noteRun({ ticket, note: { outcome: endOf(run, record), closedAtMs: nowMs, reason } }, deps);
  }
}

function endOf({ rotationId, death }: RotationRecord, record: SecretRecord): RotationOutcome {
  if (record.run?.owed !== undefined && record.run.rotationId === rotationId) return "needsHuman";
  if (!record.ended.includes(rotationId)) return "superseded";
  return death === undefined ? "rolledBack" : "rotated";
}

interface Looking extends Sweeping {
  readonly record: SecretRecord;
}

/** A pending version and a pin that Rekey left, when no run is at work that could still need them. */
async function clearLeftovers({ policy, record, dryRun }: Looking, deps: Deps): Promise<number> {
  if (record.lease !== undefined) return 0;
  const { secretArn } = policy;
  const { run } = record;
  const { pending: pendingNow, pinned } = await deps.store.versionsInUse(secretArn);
  const pending = pendingNow?.versionId;
  const isLeft =
    pending !== undefined &&
    !isBeingPromoted(run) &&
    (await isOurs({ policy, record, versionId: pending }, deps));
  const isPinOfLeft = supersededKeys(record).some(({ versionId }) => versionId === pinned);
  // While anything is owed the pin stays: without it the store could delete the retiring version.
  const isPinLeft = pinned !== undefined && run === undefined && !isPinOfLeft;
  const found = Number(isLeft) + Number(isPinLeft);
  if (found === 0 || dryRun) return found;
  // Checked after reading: a run that takes the secret later may mark or pin the same version.
  if ((await deps.ledger.secret(secretArn)).fence !== record.fence) return 0;
  if (isLeft) await deps.store.clearPending({ secretArn, versionId: pending });
  if (isPinLeft) await deps.store.unpin({ secretArn, versionId: pinned });
  return found;
}

/**
 * A promotion in doubt goes on by itself, with its pending version. An aborted one waits until somebody starts a
 * rotation, and promotes the same version then: until that day the mark is in the way of other rotation functions.
 */
function isBeingPromoted(run: SecretRecord["run"]): boolean {
  return run?.phase === "promoting" && run.aborted === undefined;
}

async function isOurs(
  { policy, record, versionId }: Pick<Looking, "policy" | "record"> & { readonly versionId: VersionId },
  deps: Deps,
): Promise<boolean> {
  if (record.keys.some((key) => key.versionId === versionId)) return true;
  const { secretArn, field } = policy;
  const runs = await deps.ledger.rotations(secretArn);
  const isOfAttempt = runs.some(({ rotationId }) =>
    Array.from({ length: attemptsMax }, (_, index) => index + 1).some(
      (attempt) => versionIdFor({ secretArn, rotationId, attempt, part: "mint" }, deps) === versionId,
    ),
  );
  // A merged copy has another version id, but it holds a key that Rekey has placed.
  return isOfAttempt || holdsPlacedKey({ secretArn, field, versionId }, deps);
}

async function holdsPlacedKey(
  place: { readonly secretArn: string; readonly field: string | undefined; readonly versionId: VersionId },
  deps: Deps,
): Promise<boolean> {
  const { secretArn, field, versionId } = place;
  try {
    const { text } = await deps.store.read(secretArn, versionId);
    const holders = await deps.ledger.holders(fingerprintOf(keyIn(text, field)));
    return holders.some((holder) => holder.secretArn === secretArn && holder.role === "rotated");
  } catch (error) {
    if (error instanceof SecretUnusable) return false;
    throw error;
  }
}

/** The current version holds a key that is on its way out or gone: consumers are, or soon will be, without a key. */
async function pageSpentKey({ policy, record, dryRun }: Looking, deps: Deps): Promise<number> {
  const { secretArn } = policy;
  const { current: versionId } = await deps.store.versionsInUse(secretArn);
  if (versionId === undefined) return 0;
  const fingerprint = await fingerprintIn({ policy, record, versionId }, deps);
  const spent = await spentKey({ record, fingerprint }, deps);
  if (spent === undefined || isBeingReplaced(record, spent)) return 0;
  const found = { record, versionId, spent };
  if (dryRun || record.frozen?.reason === whyFrozen(found)) return 1;
  return (await freezeSpentKey(found, deps)) === "frozen" ? 1 : 0;
}

async function fingerprintIn(
  { policy, record, versionId }: Pick<Looking, "policy" | "record"> & { readonly versionId: VersionId },
  deps: Deps,
): Promise<Fingerprint> {
  const known = currentKey(record);
  if (known?.versionId === versionId && known.fingerprint !== undefined) return known.fingerprint;
  const { text } = await deps.store.read(policy.secretArn, versionId);
  return fingerprintOf(keyIn(text, policy.field));
}

/**
 * A run that waits asks its consumers, and does not read the secret: it would notice only at its deadline that somebody
 * made another version current. What an incident replaces is its own business, and nothing freezes it.
 */
async function pageMovedKey({ policy, record, dryRun }: Looking, deps: Deps): Promise<void> {
  const { secretArn, field } = policy;
  const run = promotedRun(record.run);
  const isWaiting = run?.phase === "promoted" || run?.phase === "quarantined";
  if (!isWaiting || dryRun || record.frozen !== undefined || record.lease?.kind === "incident") return;
  const { versionId, text } = await deps.store.current(secretArn);
  const refusal = currentIsIncoming(
    { current: { versionId, fingerprint: fingerprintOf(keyIn(text, field)) } },
    run,
  );
  if (refusal === undefined) return;
  const ticket = { secretArn, rotationId: run.rotationId, fence: record.fence };
  await freezeIfMoved({ ticket, retiringKeyId: run.retiring.keyId, refusal }, deps);
}

/**
 * Nobody put the key there: an incident contained it before it was replaced, and the run that replaces it
 * must not find the secret frozen.
 */
function isBeingReplaced({ run }: SecretRecord, { keyId }: SpentKey): boolean {
  return run !== undefined && run.retiring.keyId === keyId && promotedRun(run) === undefined;
}

interface Tries {
  /** The work to do: see `owedBy`. */
  readonly owed: string;
  readonly tries: number;
  readonly nextAtMs: number;
}

/** Starts a run that pays the debt. It continues where the owing run stopped. */
async function resumeOwed({ policy, nowMs, dryRun }: Sweeping, deps: Deps): Promise<number> {
  const { secretArn } = policy;
  const owed = owedBy(await deps.ledger.secret(secretArn));
  if (owed === undefined) return 0;
  if ((await stopFor(policy, deps)) !== undefined) return 0;
  const at = { kind: "SWEEP", id: "tries", sort: secretArn };
  const stored = await deps.ledger.documents.read<Tries>(at);
  const tries = stored?.owed === owed ? stored.tries + 1 : 0;
  if (dryRun || (tries > 0 && nowMs < (stored?.nextAtMs ?? 0))) return 0;
  const name = `resume-${deps.digest.sha256Hex(`${secretArn} ${owed}`).slice(0, 20)}-${tries}`;
  await deps.executions.start({ machine: "rotation", name, input: { secretArn, trigger: "sweep" } });
  const next: Tries = { owed, tries, nextAtMs: nowMs + nextTryMs(tries) };
  await deps.ledger.documents.write(at, next);
  return 1;
}

/** Starts what the button of Secrets Manager asked for while a hold, a stop or another run was in the way. */
async function startQueued({ policy, nowMs, dryRun }: Sweeping, deps: Deps): Promise<number> {
  const { secretArn, name: secretName } = policy;
  const record = await deps.ledger.secret(secretArn);
  const { queued } = record;
  if (queued === undefined || dryRun) return 0;
  const isWanted = isRotated(policy) && queuedRotation(record, nowMs) !== undefined;
  // A run that opens now would pay the debt, and then be over.
  const isBlocked = whyNoRunOpens(record) ?? owedBy(record) ?? (await stopFor(policy, deps));
  if (isWanted && isBlocked !== undefined) return 0;
  const name = executionName(secretName, { once: queued.token });
  const input = { secretArn, trigger: "native: queued, caller unknown" };
  if (isWanted) await deps.executions.start({ machine: "rotation", name, input });
  await deps.ledger.changeSecret(secretArn, (now) => unqueue(now, queued.token));
  return isWanted ? 1 : 0;
}
