import { NeedsHuman } from "../errors.ts";
import { isUnused, type KeyStanding, type LedgerKey, replacementRunId } from "../keys.ts";
import type { KeyId, RotationId } from "../ports.ts";
import {
  adoptCurrent,
  bump,
  currentKey,
  endedWith,
  type PlacedKey,
  type PromotedRun,
  promotedRun,
  type Run,
  type SecretRecord,
} from "../rotation/secret-record.ts";
import { debtForSuperseded } from "../rotation/superseded.ts";

/** What an incident may do to a secret's item. Each is a pure transition, as in `secret-record.ts`. */
export interface Takeover {
  readonly incidentId: string;
  readonly executionArn: string;
  /** Part of the name of the run that replaces the key here. */
  readonly secretTag: string;
  /** The compromised key. */
  readonly keyId: KeyId;
  /** Its place, if the current version holds it now. Read from the store, because the ledger may be behind. */
  readonly current?: PlacedKey;
}

/** The state at which the replacement begins; `none` if this secret needs none. */
export type ReplaceFrom = "MintKey" | "ProveIncoming" | "PromoteVersion" | "NudgeConsumers" | "none";

export interface Taken {
  readonly record: SecretRecord;
  readonly standing: KeyStanding;
  readonly from: ReplaceFrom;
  /** The run that lost the secret to this incident, and the token of its wait, which has to be ended. */
  readonly fenced?: { readonly rotationId: RotationId; readonly token?: string };
  readonly reused: boolean;
  /**
   * A key of the fenced run that is neither compromised nor current: it is still to be revoked, or to be
   * proven dead.
   */
  readonly owed?: ReturnType<typeof debtForSuperseded>;
}

/**
 * Takes the lease, from whatever run has it, if the compromised key is current, retiring or about to become
 * current. If this secret no longer uses the key, nothing changes.
 */
export function takeSecret(record: SecretRecord, takeover: Takeover): Taken {
  const taken = takenFrom(record, takeover);
  const { incidentId } = takeover;
  const { fenced, standing, reused } = taken;
  if (fenced !== undefined)
    return { ...taken, record: { ...taken.record, fenced: { incidentId, standing, reused, ...fenced } } };
  // A repeat: the lease taken the first time may be gone, so the item itself has to say which run was fenced.
  const before = taken.record === record ? fencedBy(record, incidentId) : undefined;
  return before === undefined ? taken : { ...taken, ...before };
}

/**
 * The answer to the first take-over may have been lost, so a repeat returns the same, and ends the fenced
 * run's wait again.
 */
export function fencedBy({ fenced }: SecretRecord, incidentId: string): Repeated | undefined {
  if (fenced?.incidentId !== incidentId) return undefined;
  const { incidentId: _same, standing, reused = false, ...run } = fenced;
  return { standing, reused, fenced: run };
}

type Repeated = Pick<Taken, "standing" | "reused"> & Required<Pick<Taken, "fenced">>;

function takenFrom(record: SecretRecord, takeover: Takeover): Taken {
  const { keyId, current } = takeover;
  const { run } = record;
  const promoted = promotedRun(run);
  if (current) return takeCurrent(record, { takeover, compromised: current });
  if (promoted?.retiring.keyId === keyId) return takeRetiring(record, { takeover, run: promoted });
  if (promoted?.incoming.keyId === keyId) return dropPromoted(record, { takeover, run: promoted });
  const making = runMaking(record, keyId);
  if (making) return dropIncoming(record, { takeover, run: making });
  const isKnown = record.keys.some((key) => key.keyId === keyId);
  return { record, standing: isKnown ? "unplaced" : "retired", from: "none", reused: false };
}

function takeCurrent(
  record: SecretRecord,
  { takeover, compromised }: { readonly takeover: Takeover; readonly compromised: PlacedKey },
): Taken {
  const { run } = record;
  const rotationId = runIdFor(record, takeover);
  const reusable = run && healthyIncoming(record, { run, compromised });
  if (reusable) {
    const { owed: _taken, aborted: _order, ...rest } = reusable;
    const taken = leased(record, takeover);
    return {
      ...fencedOff(record),
      record: {
        ...taken,
        // Until it is promoted the incoming key belongs to its run.
        keys: taken.keys.map((key) => (key.keyId === rest.incoming.keyId ? { ...key, rotationId } : key)),
        run: { ...rest, rotationId, attempt: 0, retiring: compromised },
      },
      standing: "current",
      from: reusable.phase === "staged" ? "ProveIncoming" : "PromoteVersion",
      reused: true,
    };
  }
  const others = strayed(record, compromised.keyId);
  const known = record.keys.find(({ keyId }) => keyId === compromised.keyId);
  const adopted = adoptCurrent(others, {
    name: compromised.keyId,
    ...known,
    ...compromised,
    state: "current",
  });
  const owed = owedBy(record, compromised.keyId);
  return {
    ...fencedOff(record),
    record: {
      ...leased(adopted, takeover),
      run: { phase: "opened", rotationId, attempt: 0, retiring: compromised },
    },
    standing: "current",
    from: "MintKey",
    reused: false,
    ...(owed && { owed }),
  };
}

function owedBy({ secretArn, run }: SecretRecord, compromised: KeyId): Taken["owed"] {
  if (run === undefined || run.retiring.keyId === compromised || run.phase === "dead") return undefined;
  const { retiring, phase: state, rotationId } = run;
  return debtForSuperseded({ ...retiring, state }, { secretArn, rotationId });
}

type Unpromoted = Extract<Run, { phase: "staged" | "proven" | "promoting" }>;

/** The fenced run's incoming key, unless its revoke is recorded or it is compromised itself. */
function healthyIncoming(
  record: SecretRecord,
  { run, compromised }: { readonly run: Run; readonly compromised: PlacedKey },
): Unpromoted | undefined {
  if (run.phase !== "staged" && run.phase !== "proven" && run.phase !== "promoting") return undefined;
  const { keyId } = run.incoming;
  if (keyId === compromised.keyId || run.retiring.keyId !== compromised.keyId) return undefined;
  const key = record.keys.find((known) => known.keyId === keyId);
  return key?.state === "staged" && key.compromised !== true ? run : undefined;
}

function takeRetiring(
  record: SecretRecord,
  { takeover, run }: { readonly takeover: Takeover; readonly run: PromotedRun },
): Taken {
  const { owed: _taken, aborted: _order, ...rest } = run;
  return {
    ...fencedOff(record),
    record: { ...leased(record, takeover), run: { ...rest, rotationId: runIdFor(record, takeover) } },
    standing: "retiring",
    from: "NudgeConsumers",
    reused: true,
  };
}

/** The incoming key leaked before any consumer had it: its run ends, and the retiring key stays current. */
function dropIncoming(
  record: SecretRecord,
  { takeover, run }: { readonly takeover: Takeover; readonly run: Run },
): Taken {
  return {
    ...fencedOff(record),
    record: withoutRun(strayed(record, undefined), { takeover, run, mark: { compromised: true } }),
    ...{ standing: "incoming", from: "none", reused: false },
  };
}

/**
 * Another key than the promoted one was made current outside Rekey, and the promoted key is the one that
 * leaked. The run cannot go on, and while it exists the leaked key is its incoming key, which must not be
 * contained. So the run ends, and its retiring key is still to be revoked.
 */
function dropPromoted(
  record: SecretRecord,
  { takeover, run }: { readonly takeover: Takeover; readonly run: PromotedRun },
): Taken {
  const owed = owedBy(record, takeover.keyId);
  return {
    ...fencedOff(record),
    record: withoutRun(record, { takeover, run, mark: { compromised: true, state: "retiring" } }),
    ...{ standing: "unplaced", from: "none", reused: false },
    ...(owed && { owed }),
  };
}

function withoutRun(
  record: SecretRecord,
  {
    takeover,
    run,
    mark,
  }: { readonly takeover: Takeover; readonly run: Run; readonly mark: Partial<LedgerKey> },
): SecretRecord {
  const { lease: _freed, run: _over, wait: _ended, fenced: _older, order: _none, ...rest } = record;
  const keys = rest.keys.map((key) => (key.keyId === takeover.keyId ? { ...key, ...mark } : key));
  const ended = endedWith(record, record.lease?.runId ?? run.rotationId);
  return bump({ ...rest, fence: record.fence + 1, keys, ended });
}

/** The run in progress, if it made this key and has not promoted it. */
function runMaking({ run, keys }: SecretRecord, keyId: KeyId): Run | undefined {
  if (run === undefined || promotedRun(run) !== undefined) return undefined;
  if (run.phase !== "opened" && run.incoming.keyId === keyId) return run;
  const isMinted = keys.some(
    (key) => key.keyId === keyId && key.rotationId === run.rotationId && key.state === "minted",
  );
  return isMinted ? run : undefined;
}

function fencedOff({ run, lease, wait }: SecretRecord): Pick<Taken, "fenced"> {
  const rotationId = lease?.runId ?? run?.rotationId;
  if (rotationId === undefined) return {};
  return { fenced: { rotationId, ...(wait && { token: wait.token }) } };
}

function leased(record: SecretRecord, takeover: Takeover): SecretRecord {
  const { wait: _ended, fenced: _older, order: _none, refused: _earlier, ...rest } = record;
  const { incidentId, executionArn } = takeover;
  const lease = {
    ...{ runId: runIdFor(record, takeover), kind: "incident" as const },
    ...{ executionArn, incidentId },
  };
  return { ...rest, fence: record.fence + 1, seq: record.seq + 1, lease };
}

function runIdFor({ fence }: SecretRecord, { incidentId, secretTag }: Takeover): RotationId {
  return replacementRunId({ incidentId, secretTag, fence: fence + 1 });
}

/**
 * Marks the fenced run's unused keys as strays, for the sweep to discard. A key whose promotion had begun may
 * be in use and is kept.
 */
function strayed(record: SecretRecord, except: KeyId | undefined): SecretRecord {
  const { run } = record;
  const promoting = run?.phase === "promoting" ? run.incoming.keyId : undefined;
  const keys = record.keys.map((key) => {
    if (!isUnused(key) || (except !== undefined && key.keyId === except)) return key;
    const isDoubtful = promoting !== undefined && key.keyId === promoting;
    return { ...key, state: isDoubtful ? ("retiring" as const) : ("stray" as const) };
  });
  return { ...record, keys };
}

// ---- containing ------------------------------------------------------------------------------------------

/**
 * Refuses a key that is about to become current here, or that a healthy run has made current (S2): an
 * incident contains only the key that it was identified for.
 */
export function assertNotIncoming({ run }: SecretRecord, keyId: KeyId): void {
  if (run === undefined || run.phase === "opened" || run.incoming.keyId !== keyId) return;
  throw new NeedsHuman(`key ${keyId} is the incoming key of ${run.rotationId}: it is not contained`);
}

/** The intent, written before the provider is asked. */
export function markContaining(
  record: SecretRecord,
  {
    key,
    state,
  }: {
    readonly key: Pick<PlacedKey, "keyId"> & Partial<PlacedKey>;
    readonly state: "quarantined" | "revoking";
  },
): SecretRecord {
  assertNotIncoming(record, key.keyId);
  const known = record.keys.find(({ keyId }) => keyId === key.keyId);
  // A late call (the function was frozen) must not undo a later state: the proof of death, or a revoke that
  // began after a quarantine.
  const later = state === "revoking" ? ["revoked", "dead"] : ["revoking", "revoked", "dead"];
  if (known?.compromised && (known.state === state || later.includes(known.state))) return record;
  const contained: LedgerKey = { name: key.keyId, ...known, ...key, state, compromised: true };
  const others = record.keys.filter(({ keyId }) => keyId !== key.keyId);
  return bump({ ...record, keys: [...others, contained], ...phaseOf(record, key.keyId, state) });
}

export function markContained(
  record: SecretRecord,
  { keyId, revokedAtMs }: { readonly keyId: KeyId; readonly revokedAtMs: number },
): SecretRecord {
  const known = record.keys.find((key) => key.keyId === keyId);
  if (known === undefined || known.state === "revoked" || known.state === "dead") return record;
  const keys = record.keys.map((key) => (key.keyId === keyId ? { ...key, state: "revoked" as const } : key));
  const promoted = promotedRun(record.run);
  if (promoted?.retiring.keyId !== keyId || promoted.phase === "dead") return bump({ ...record, keys });
  return bump({ ...record, keys, run: { ...promoted, phase: "revoked", revokedAtMs } });
}

/** A person undid the quarantine: the key may be used again, and stays marked as compromised. */
export function markReleased(record: SecretRecord, keyId: KeyId): SecretRecord {
  const known = record.keys.find((key) => key.keyId === keyId);
  if (known?.state !== "quarantined") return record;
  const promoted = promotedRun(record.run);
  const isRetiring = promoted?.retiring.keyId === keyId;
  // A superseded key does not become current again because its quarantine ends.
  const isDisplaced = (currentKey(record)?.keyId ?? keyId) !== keyId;
  const state = isRetiring || isDisplaced ? ("retiring" as const) : ("current" as const);
  const keys = record.keys.map((key) => (key === known ? { ...key, state } : key));
  const run =
    isRetiring && promoted.phase === "quarantined"
      ? { run: { ...promoted, phase: "promoted" as const } }
      : {};
  return bump({ ...record, keys, ...run });
}

/**
 * A false alarm: the key is no longer compromised. If its revoke has begun, it stays in that state, and the
 * run that owes it finishes it, because no incident will.
 */
export function markSound(record: SecretRecord, keyId: KeyId): SecretRecord {
  const known = record.keys.find((key) => key.keyId === keyId);
  if (known?.compromised === undefined || known.state === "dead") return record;
  const { compromised: _no, ...sound } = known;
  return bump({ ...record, keys: record.keys.map((key) => (key === known ? sound : key)) });
}

/**
 * A key without a replacement stays in the item as dead, so that the run that makes the replacement finds
 * it.
 */
export function markSeenDead(record: SecretRecord, keyId: KeyId): SecretRecord {
  const promoted = promotedRun(record.run);
  if (record.run?.retiring.keyId === keyId && promoted === undefined) return markWaitingDead(record, keyId);
  const keys = record.keys.filter((key) => key.keyId !== keyId);
  const run = promoted?.retiring.keyId === keyId ? { run: { ...promoted, phase: "dead" as const } } : {};
  if (keys.length === record.keys.length && run.run === undefined) return record;
  return bump({ ...record, keys, ...run });
}

function markWaitingDead(record: SecretRecord, keyId: KeyId): SecretRecord {
  const known = record.keys.find((key) => key.keyId === keyId);
  if (known === undefined || known.state === "dead") return record;
  const dead: LedgerKey = { ...known, state: "dead", compromised: true };
  return bump({ ...record, keys: record.keys.map((key) => (key === known ? dead : key)) });
}

function phaseOf(record: SecretRecord, keyId: KeyId, phase: "quarantined" | "revoking"): { run?: Run } {
  const promoted = promotedRun(record.run);
  if (promoted?.retiring.keyId !== keyId) return {};
  return promoted.phase === "promoted" || promoted.phase === "quarantined"
    ? { run: { ...promoted, phase } }
    : {};
}

/** The reused key was refused: another one is minted, and the sweep discards this one. */
export function dropReused(record: SecretRecord, runId: RotationId): SecretRecord {
  const { run } = record;
  if (record.lease?.runId !== runId || run === undefined) return record;
  if (run.phase !== "staged" && run.phase !== "proven") return record;
  const keys = record.keys.map((key) =>
    key.keyId === run.incoming.keyId ? { ...key, state: "stray" as const } : key,
  );
  const { rotationId, attempt, retiring } = run;
  const fenced = record.fenced && { fenced: { ...record.fenced, reused: false } };
  return bump({ ...record, ...fenced, keys, run: { phase: "opened", rotationId, attempt, retiring } });
}
