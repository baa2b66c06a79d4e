import { RotationError, Superseded } from "../../core/errors.ts";
import { keyNamesOf } from "../../core/keys.ts";
import type { Policy } from "../../core/policy.ts";
import type { RotationId, SecretArn } from "../../core/ports.ts";
import { closeRun, giveUp, oweRun } from "../../core/rotation/lease.ts";
import { keysOf, statesNow } from "../../core/rotation/left-keys.ts";
import { noteRefused } from "../../core/rotation/open.ts";
import { debtKindIn } from "../../core/rotation/retiring.ts";
import { isBeforePromotion, type Owed, type Run, type Ticket } from "../../core/rotation/secret-record.ts";
import type { Debt, RotationOutcome, RotationRecord } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";
import { metricLine } from "../metrics.ts";
import { noteFailure } from "./account-failures.ts";
import { oweCertificate } from "./certified.ts";
import { discardKeys } from "./discard-keys.ts";
import { restoreKey } from "./restore-key.ts";
import { noteRun } from "./run-record.ts";

export interface Settling {
  readonly secretArn: SecretArn;
  readonly rotationId: RotationId;
  readonly executionArn: string;
  /** Name and detail of the error that ended the run. */
  readonly reason: string;
  /** Its name alone, where an error of the machine ended the run. */
  readonly error?: string;
  readonly nowMs: number;
}

export interface Settled {
  readonly outcome: "rolledBack" | "owed" | "refused" | "superseded";
  readonly reason: string;
}

/**
 * Ends a run that failed. If it may have promoted, it keeps both keys and owes the revoke; if not, its own
 * incoming key is deleted. A run without the fence writes nothing.
 */
export async function settleRun(settling: Settling, deps: Deps): Promise<Settled> {
  const { secretArn, rotationId, executionArn, reason } = settling;
  const record = await deps.ledger.secret(secretArn);
  const opened = await deps.ledger.rotation(secretArn, rotationId);
  // A run that died before it was recorded has no snapshot, but its secret has to be freed too.
  const policy = opened?.policy ?? (await deps.ledger.policy(secretArn));
  await noteFailure({ policy, rotationId, error: settling.error, nowMs: settling.nowMs }, deps);
  const isHolder = record.lease?.runId === rotationId && record.lease.executionArn === executionArn;
  if (!isHolder) return opened === undefined ? refuse(settling, deps) : { outcome: endOf(opened), reason };

  const ticket: Ticket = { secretArn, rotationId, fence: record.fence };
  const next = await deps.ledger.changeSecret(secretArn, (now) => giveUp(now, ticket));
  if (opened !== undefined && opened.left === undefined && next.run !== undefined) {
    // Read before any key is discarded: a repeat of this call cannot find those that are gone.
    await noteRun({ ticket, note: { left: keysOf(next, next.run) } }, deps);
  }
  return next.run !== undefined && isBeforePromotion(next.run)
    ? rollBack({ settling, ticket, policy }, deps)
    : owe({ settling, ticket, policy, run: next.run }, deps);
}

/** Without the fence: the run was overtaken, or an earlier try of this call has settled it. */
function endOf({ outcome }: RotationRecord): Settled["outcome"] {
  if (outcome === "rolledBack") return "rolledBack";
  return outcome === "needsHuman" ? "owed" : "superseded";
}

/** The run never held the secret: there is nothing to undo, only people to tell. */
async function refuse(settling: Settling, deps: Deps): Promise<Settled> {
  const { secretArn, rotationId, reason } = settling;
  await publishEnd({ settling, outcome: "needsHuman" }, deps);
  await deps.audit.append(secretArn, {
    id: `${rotationId}/refused`,
    atMs: settling.nowMs,
    actor: rotationId,
    action: "RotationRefused",
    detail: { reason },
  });
  const refused = { rotationId, atMs: settling.nowMs, ...owedBecause(settling) };
  await deps.ledger.changeSecret(secretArn, (record) => noteRefused(record, refused));
  return { outcome: "refused", reason };
}

interface Work {
  readonly settling: Settling;
  readonly ticket: Ticket;
  /** Absent if no policy says how to call the provider any more. */
  readonly policy: Policy | undefined;
}

async function rollBack(work: Work, deps: Deps): Promise<Settled> {
  const { settling, ticket } = work;
  const { reason } = settling;
  const owes = await discardOrOwe(work, deps);
  const isClean = owes.length === 0;
  await close({ settling, outcome: isClean ? "rolledBack" : "needsHuman", owes }, deps);
  await deps.ledger.changeSecret(ticket.secretArn, (record) => closeRun(record, ticket));
  return { outcome: isClean ? "rolledBack" : "owed", reason };
}

async function discardOrOwe({ settling, ticket, policy }: Work, deps: Deps): Promise<Owes> {
  const { secretArn, rotationId } = ticket;
  const { keys } = await deps.ledger.secret(secretArn);
  const own = keys.filter((key) => key.rotationId === rotationId && key.state === "stray");
  if (own.length === 0) return [];
  try {
    await discardKeys({ ticket, own, policy }, deps);
    return [];
  } catch (error) {
    if (!(error instanceof RotationError) || error instanceof Superseded) throw error;
    const keyId = own.findLast((key) => key.keyId !== undefined)?.keyId ?? keyNamesOf(rotationId);
    await putDebt({ settling, kind: "DiscardOwed", keyId }, deps);
    return [{ kind: "DiscardOwed", keyId }];
  }
}

async function owe(work: Work & { readonly run: Run | undefined }, deps: Deps): Promise<Settled> {
  const { settling, ticket, policy, run } = work;
  const { reason } = settling;
  const owes = run === undefined ? [] : [{ kind: debtKindIn(run.phase), keyId: run.retiring.keyId }];
  if (run !== undefined) {
    const { keyId, versionId } = run.retiring;
    const kind = debtKindIn(run.phase);
    await putDebt({ settling, kind, keyId, versionId }, deps);
    if (kind === "RevokeOwed") await keepAlive({ ticket, policy, run }, deps);
  }
  await close({ settling, outcome: "needsHuman", owes }, deps);
  await deps.ledger.changeSecret(ticket.secretArn, (record) => oweRun(record, ticket, owedBecause(settling)));
  return { outcome: "owed", reason };
}

/** A retiring key that is disabled, or expires by itself, would cut off the consumers that the run waits for. */
async function keepAlive(
  { ticket, policy, run }: Pick<Work, "ticket" | "policy"> & { readonly run: Run },
  deps: Deps,
): Promise<void> {
  if (policy === undefined) return;
  const provider = deps.provider(policy);
  const { keyId } = run.retiring;
  try {
    if (run.phase === "quarantined") await restoreKey({ ticket, policy, keyId }, deps);
    if (!provider.capabilities.expiry) return;
    const listed = await provider.find(keyId);
    if (listed?.expiresAtMs === undefined) return;
    await provider.extend({ keyId, expiresInMs: policy.overlapMs * 2 });
  } catch (error) {
    if (!(error instanceof RotationError) || error instanceof Superseded) throw error;
    const { secretArn } = ticket;
    deps.log({ step: "settle-rotation", secretArn, outcome: "notKeptAlive", error: error.name });
  }
}

async function putDebt(
  debt: Pick<Debt, "kind" | "keyId"> & { readonly versionId?: string; readonly settling: Settling },
  deps: Deps,
): Promise<void> {
  const { settling, ...facts } = debt;
  const { secretArn, rotationId, nowMs } = settling;
  await deps.ledger.putDebt({ ...facts, secretArn, rotationId, ...owedBecause(settling), sinceMs: nowMs });
}

function owedBecause({ reason, error }: Settling): Owed {
  return { reason, ...(error !== undefined && { error }) };
}

interface Ending {
  readonly settling: Settling;
  readonly outcome: Extract<RotationOutcome, "rolledBack" | "needsHuman">;
}

type Owes = NonNullable<RotationRecord["owes"]>;

/** Published before the lease is freed, so that a crash in between repeats it and the event is not lost. */
async function close(ending: Ending & { readonly owes: Owes }, deps: Deps): Promise<void> {
  const { settling, outcome, owes } = ending;
  const { secretArn, rotationId, reason, nowMs } = settling;
  const known = await deps.ledger.rotation(secretArn, rotationId);
  if (known !== undefined) {
    const left = statesNow(known.left ?? [], await deps.ledger.secret(secretArn));
    const note = { outcome, reason, left, owes, closedAtMs: nowMs };
    await noteRun({ ticket: { secretArn, rotationId }, note }, deps);
    await oweCertificate({ secretArn, rotationId, atMs: nowMs }, deps);
  }
  await deps.audit.append(secretArn, {
    id: `${rotationId}/settle/${settling.executionArn}`,
    atMs: nowMs,
    actor: rotationId,
    action: outcome === "rolledBack" ? "RotationRolledBack" : "RotationOwesWork",
    detail: { reason },
  });
  await publishEnd(ending, deps);
  const { environment } = deps;
  const metrics = { RotationsUnfinished: 1 };
  deps.log({ step: "settle-rotation", secretArn, ...metricLine({ environment, atMs: nowMs, metrics }) });
}

async function publishEnd({ settling, outcome }: Ending, deps: Deps): Promise<void> {
  const { secretArn, rotationId, reason } = settling;
  const type = outcome === "rolledBack" ? "RotationRolledBack" : "RotationNeedsHuman";
  await deps.bus.publish({ type, secretArn, detail: { rotationId, reason } });
}
