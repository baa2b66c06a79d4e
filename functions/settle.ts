import { RotationError } from "../core/errors.ts";
import { keyNamesOf } from "../core/keys.ts";
import type { Policy } from "../core/policy.ts";
import type { RotationId, SecretArn } from "../core/ports.ts";
import {
  closeRun,
  giveUp,
  isBeforePromotion,
  markDiscarded,
  oweRun,
  type PlacedKey,
  promotedRun,
  type Run,
  type Ticket,
} from "../core/secret-record.ts";
import type { Debt, RotationOutcome } from "../ledger/entries.ts";
import type { Deps } from "./deps.ts";
import { noteRun, policyOf } from "./run-policy.ts";
import { stripOwnLabels, versionIdFor } from "./stage-key.ts";

export interface Settling {
  readonly secretArn: SecretArn;
  readonly rotationId: RotationId;
  readonly executionArn: string;
  /** Name and detail of what ended the run. */
  readonly reason: string;
  readonly nowMs: number;
}

export interface Settled {
  readonly outcome: "rolledBack" | "owed" | "refused" | "superseded";
  readonly reason: string;
}

/**
 * Ends a run that failed. One that may have promoted keeps both keys and owes the revoke; one that has not
 * takes its own incoming key away again. A run without the fence writes nothing at all.
 */
export async function settle(settling: Settling, deps: Deps): Promise<Settled> {
  const { secretArn, rotationId, executionArn, reason } = settling;
  const record = await deps.ledger.secret(secretArn);
  const opened = await deps.ledger.rotation(secretArn, rotationId);
  const isHolder = record.lease?.runId === rotationId && record.lease.executionArn === executionArn;
  if (!isHolder) return opened === undefined ? refuse(settling, deps) : { outcome: "superseded", reason };

  const ticket: Ticket = { secretArn, rotationId, fence: record.fence };
  const incoming = incomingOf(record.run);
  const next = await deps.ledger.changeSecret(secretArn, (now) => giveUp(now, ticket));
  const policy = await policyOf(ticket, deps);
  return next.run !== undefined && isBeforePromotion(next.run)
    ? rollBack({ settling, ticket, policy, incoming }, deps)
    : owe({ settling, ticket, policy, run: next.run }, deps);
}

function incomingOf(run: Run | undefined): PlacedKey | undefined {
  return run === undefined || run.phase === "opened" ? undefined : run.incoming;
}

/** The run never held the secret: nothing to undo, only somebody to tell. */
async function refuse(settling: Settling, deps: Deps): Promise<Settled> {
  const { secretArn, rotationId, reason } = settling;
  await tell({ settling, outcome: "needsHuman" }, deps);
  await deps.audit.append(secretArn, {
    id: `${rotationId}/refused`,
    atMs: settling.nowMs,
    actor: rotationId,
    action: "RotationRefused",
    detail: { reason },
  });
  return { outcome: "refused", reason };
}

interface Work {
  readonly settling: Settling;
  readonly ticket: Ticket;
  readonly policy: Policy;
}

async function rollBack(
  work: Work & { readonly incoming: PlacedKey | undefined },
  deps: Deps,
): Promise<Settled> {
  const { settling, ticket } = work;
  const { reason } = settling;
  const isClean = await discardOwnKeys(work, deps);
  await deps.ledger.changeSecret(ticket.secretArn, (record) => closeRun(record, ticket));
  const outcome = isClean ? "rolledBack" : "owed";
  await close({ settling, outcome: isClean ? "rolledBack" : "needsHuman" }, deps);
  return { outcome, reason };
}

/** Labels first: a version that nobody can find by label is harmless, even while its key still lives. */
async function discardOwnKeys(
  { settling, ticket, policy, incoming }: Work & { readonly incoming: PlacedKey | undefined },
  deps: Deps,
): Promise<boolean> {
  const { secretArn, rotationId } = ticket;
  try {
    const record = await deps.ledger.secret(secretArn);
    const own = record.keys.filter((key) => key.rotationId === rotationId && key.state === "stray");
    if (own.length === 0) return true;
    const versions = own.map(({ attempt }) =>
      versionIdFor({ ...ticket, attempt: attempt ?? 0, part: "mint" }, deps),
    );
    for (const versionId of new Set([...versions, ...(incoming ? [incoming.versionId] : [])])) {
      await stripOwnLabels({ secretArn, versionId }, deps);
    }
    const provider = deps.provider(policy);
    const listed = await provider.list({ namePrefix: keyNamesOf(rotationId) });
    for (const { keyId, name } of listed) {
      if (!own.some((key) => key.name === name)) continue;
      await provider.revoke(keyId);
      await deps.ledger.changeSecret(secretArn, (now) => markDiscarded(now, name));
    }
    return true;
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    await putDebt({ settling, kind: "DiscardOwed", keyId: incoming?.keyId ?? keyNamesOf(rotationId) }, deps);
    return false;
  }
}

async function owe(work: Work & { readonly run: Run | undefined }, deps: Deps): Promise<Settled> {
  const { settling, ticket, policy, run } = work;
  const { reason } = settling;
  const retiring = run?.retiring;
  if (retiring !== undefined) {
    const kind = promotedRun(run)?.phase === "revoked" ? "DeathUnproven" : "RevokeOwed";
    await putDebt({ settling, kind, keyId: retiring.keyId, versionId: retiring.versionId }, deps);
    if (kind === "RevokeOwed") await keepAlive({ policy, keyId: retiring.keyId }, deps);
  }
  await deps.ledger.changeSecret(ticket.secretArn, (record) => oweRun(record, ticket, reason));
  await close({ settling, outcome: "needsHuman" }, deps);
  return { outcome: "owed", reason };
}

/** A retiring key that expires on its own would cut off the very consumers we are waiting for. */
async function keepAlive({ policy, keyId }: { policy: Policy; keyId: string }, deps: Deps): Promise<void> {
  const provider = deps.provider(policy);
  if (!provider.capabilities.expiry) return;
  try {
    const listed = await provider.find(keyId);
    if (listed?.expiresAtMs === undefined) return;
    await provider.extend({ keyId, expiresInMs: policy.overlapMs * 2 });
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    deps.log({
      step: "settle-rotation",
      secretArn: policy.secretArn,
      outcome: "expiryNotExtended",
      error: error.name,
    });
  }
}

async function putDebt(
  debt: Pick<Debt, "kind" | "keyId"> & { readonly versionId?: string; readonly settling: Settling },
  deps: Deps,
): Promise<void> {
  const { settling, ...facts } = debt;
  const { secretArn, rotationId, reason, nowMs } = settling;
  await deps.ledger.putDebt({ ...facts, secretArn, rotationId, reason, sinceMs: nowMs });
}

interface Ending {
  readonly settling: Settling;
  readonly outcome: Extract<RotationOutcome, "rolledBack" | "needsHuman">;
}

async function close(ending: Ending, deps: Deps): Promise<void> {
  const { settling, outcome } = ending;
  const { secretArn, rotationId, reason, nowMs } = settling;
  await noteRun({ ticket: { secretArn, rotationId }, note: { outcome, reason, closedAtMs: nowMs } }, deps);
  await deps.audit.append(secretArn, {
    id: `${rotationId}/settle/${settling.executionArn}`,
    atMs: nowMs,
    actor: rotationId,
    action: outcome === "rolledBack" ? "RotationRolledBack" : "RotationOwesWork",
    detail: { reason },
  });
  await tell(ending, deps);
}

async function tell({ settling, outcome }: Ending, deps: Deps): Promise<void> {
  const { secretArn, rotationId, reason } = settling;
  const type = outcome === "rolledBack" ? "RotationRolledBack" : "RotationNeedsHuman";
  await deps.bus.publish({ type, secretArn, detail: { rotationId, reason } });
}
