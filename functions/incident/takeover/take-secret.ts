import { LedgerContended, Superseded } from "../../../core/errors.ts";
import type { SecretInScope } from "../../../core/incident/record.ts";
import { fencedBy, type ReplaceFrom, type Taken, takeSecret } from "../../../core/incident/takeover.ts";
import { mayOpen } from "../../../core/incident/transitions.ts";
import { isReplacementRun, type KeyStanding, type LedgerKey } from "../../../core/keys.ts";
import type { Policy } from "../../../core/policy.ts";
import type { Fingerprint, KeyId, RotationId, SecretArn, VersionId } from "../../../core/ports.ts";
import {
  incidentWith,
  type PlacedKey,
  promotedRun,
  type Run,
  type SecretRecord,
} from "../../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { keyIn } from "../../../stores/value.ts";
import type { Deps } from "../../deps.ts";
import { noteRun } from "../../secret/run-record.ts";
import { incidentOf } from "../record/step-input.ts";

export interface Taking {
  readonly incidentId: string;
  readonly executionArn: string;
  readonly atMs: number;
  readonly policy: Policy;
  readonly key: { readonly keyId: KeyId; readonly fingerprint?: Fingerprint };
  /** The version that holds the key, if the index knows one. */
  readonly versionId?: VersionId;
  /** The incident held this secret before; another incident has taken it since. */
  readonly heldBefore: boolean;
}

export interface TakenSecret {
  readonly scope: SecretInScope;
  readonly from: ReplaceFrom;
  readonly fenced?: string;
}

/** Takes one secret from whatever run has it, and returns where its replacement begins. A repeat returns the same. */
export async function takeForIncident(taking: Taking, deps: Deps): Promise<TakenSecret> {
  const { policy, incidentId } = taking;
  const before = await deps.ledger.secret(policy.secretArn);
  if (incidentWith(before) === incidentId) {
    const { fenced, standing = "current", reused = false } = fencedBy(before, incidentId) ?? {};
    if (fenced !== undefined) await endFenced(taking, fenced, deps);
    const again = { taking, record: before, standing, reused, from: goOn(before.run) };
    return describe({ ...again, ...(fenced && { fenced: fenced.rotationId }) }, deps);
  }
  if (taking.heldBefore)
    return { scope: scopeOf(taking, { record: before, standing: "current" }), from: "none" };

  const secretTag = deps.digest.sha256Hex(policy.secretArn).slice(0, tagLength);
  const wasHere = before.ended.some((runId) => isReplacementRun(runId, { incidentId, secretTag }));
  if (wasHere) await assertMayOpen(taking, deps);
  await finishPromotion(taking, before, deps);
  const known = await knownPlace(taking, before, deps);
  const current = await currentPlace({ taking, known }, deps);
  const found = { ...taking, secretTag, keyId: taking.key.keyId, ...(current && { current }) };
  // Written before the secret is taken. If the function dies in between, there is one debt too many, which
  // the sweep removes.
  const { owed } = takeSecret(before, found);
  if (owed !== undefined) await deps.ledger.putDebt({ ...owed, sinceMs: taking.atMs });
  const taken: Taken[] = [];
  const record = await deps.ledger.changeSecret(policy.secretArn, (now) => {
    // A delayed function would otherwise take the secret for a key that was replaced meanwhile.
    if (now.fence !== before.fence || now.run?.phase !== before.run?.phase)
      throw new LedgerContended("another run changed the secret while this incident read it");
    const next = takeSecret(now, found);
    taken.push(next);
    return next.record;
  });
  const last = taken.at(-1);
  if (last === undefined) throw new Error("the ledger did not apply the take-over");
  const { standing, from, reused, fenced } = last;
  if (fenced !== undefined) await endFenced(taking, fenced, deps);
  const { secretArn } = policy;
  const { versionId } = known;
  if (standing === "incoming" && versionId !== undefined) await deps.store.discard({ secretArn, versionId });
  const described = { taking, record, standing, from, reused };
  return describe({ ...described, ...(fenced && { fenced: fenced.rotationId }) }, deps);
}

const tagLength = 8;

/** Read after the item: if the incident ends later than this, the fence rises and the take-over fails. */
async function assertMayOpen({ incidentId, executionArn }: Taking, deps: Deps): Promise<void> {
  const record = await incidentOf({ incidentId }, deps);
  if (mayOpen(record, executionArn)) return;
  throw new Superseded(`${incidentId} has given this secret back: it is ${record.status}`);
}

/**
 * A recorded promotion counts as done, and a frozen function may still do it: where the incoming key is the
 * leaked one it is done now, so that nothing can put that key back later. It must not stay pending either: the
 * replacement would take it for somebody else's.
 */
async function finishPromotion({ key, policy }: Taking, { run, wait }: SecretRecord, deps: Deps) {
  if (run?.phase !== "promoting" && run?.phase !== "promoted") return;
  if (run.incoming.keyId !== key.keyId) return;
  const { secretArn } = policy;
  const [from, to] = [run.retiring.versionId, run.incoming.versionId];
  if (run.phase === "promoting") await deps.store.promote({ secretArn, from, to });
  // A run that waits for its consumers has cleared it.
  if (wait === undefined) await deps.store.clearPending({ secretArn, versionId: to });
}

type KnownPlace = Partial<Pick<PlacedKey, "versionId" | "fingerprint">>;

/** What the item, the ledger's history and the index know of the key in this secret. */
async function knownPlace({ key, versionId }: Taking, record: SecretRecord, deps: Deps): Promise<KnownPlace> {
  const known = record.keys.find(({ keyId }) => keyId === key.keyId);
  const past = known ?? (await deps.ledger.keys(record.secretArn)).find(({ keyId }) => keyId === key.keyId);
  const place = {
    versionId: known?.versionId ?? versionId,
    fingerprint: known?.fingerprint ?? past?.fingerprint ?? key.fingerprint,
  };
  return {
    ...(place.versionId !== undefined && { versionId: place.versionId }),
    ...(place.fingerprint !== undefined && { fingerprint: place.fingerprint }),
  };
}

/** The key's place if the current version holds it: by its version, or by the key itself. */
async function currentPlace(
  { taking, known }: { readonly taking: Taking; readonly known: KnownPlace },
  deps: Deps,
): Promise<PlacedKey | undefined> {
  const { key, policy } = taking;
  const { versionId, text } = await deps.store.current(policy.secretArn);
  const read = () => fingerprintOf(keyIn(text, policy.field));
  if (versionId !== known.versionId && read() !== known.fingerprint) return undefined;
  return { versionId, ...known, keyId: key.keyId, fingerprint: known.fingerprint ?? read() };
}

/** Ends the fenced run now, rather than at the end of its wait. */
async function endFenced(
  { policy: { secretArn }, incidentId, atMs }: Taking,
  { rotationId, token }: NonNullable<Taken["fenced"]>,
  deps: Deps,
): Promise<void> {
  if (token !== undefined) {
    await deps.executions.fail(token, { error: "Superseded", cause: `taken over by ${incidentId}` });
  }
  const known = await deps.ledger.rotation(secretArn, rotationId);
  if (known === undefined || known.outcome === "superseded") return;
  const reason = `Superseded: taken over by incident ${incidentId}`;
  const note = { outcome: "superseded" as const, reason, closedAtMs: atMs };
  await noteRun({ ticket: { secretArn, rotationId }, note }, deps);
}

/** The state at which an execution continues that opens the incident again. */
function goOn(run: Run | undefined): ReplaceFrom {
  if (run === undefined || run.phase === "opened") return "MintKey";
  if (run.phase === "staged") return "ProveIncoming";
  return promotedRun(run) === undefined ? "PromoteVersion" : "NudgeConsumers";
}

interface Described {
  readonly taking: Taking;
  readonly record: SecretRecord;
  readonly standing: KeyStanding;
  readonly from: ReplaceFrom;
  readonly reused?: boolean;
  readonly fenced?: string;
}

async function describe(described: Described, deps: Deps): Promise<TakenSecret> {
  const { taking, from, fenced } = described;
  if (from !== "none") await rememberRun(described, deps);
  return { scope: scopeOf(taking, described), from, ...(fenced !== undefined && { fenced }) };
}

/** The steps that replace the key read their policy from this record, as in a rotation. */
async function rememberRun({ taking, record }: Described, deps: Deps): Promise<void> {
  const { policy, incidentId, executionArn, atMs, key } = taking;
  const { secretArn } = policy;
  const rotationId = runOf(record, taking);
  if (rotationId === undefined) return;
  const opened = { outcome: "opened" as const, next: "MintKey" as const, fence: record.fence };
  await deps.ledger.changeRotation({ secretArn, rotationId }, (known) => ({
    ...{ rotationId, secretArn, executionArn, policy, opened },
    fence: record.fence,
    trigger: "incident",
    openedAtMs: known?.openedAtMs ?? atMs,
    outcome: "running",
    retiringKeyId: key.keyId,
  }));
  await deps.audit.append(secretArn, {
    id: `${incidentId}/open/${record.fence}`,
    atMs,
    actor: incidentId,
    action: "IncidentOpened",
    detail: { keyId: key.keyId, fence: record.fence },
  });
}

/** The run with which this incident holds the secret. */
function runOf(record: SecretRecord, { incidentId }: Taking): RotationId | undefined {
  return incidentWith(record) === incidentId ? record.lease?.runId : undefined;
}

function scopeOf(
  taking: Taking,
  { record, standing, reused }: Pick<Described, "record" | "standing" | "reused">,
): SecretInScope {
  const { policy, key } = taking;
  const { secretArn, name, environment } = policy;
  const rotationId = runOf(record, taking);
  const isOurs = rotationId !== undefined;
  const promoted = isOurs ? promotedRun(record.run) : undefined;
  const held = record.keys.find((known: LedgerKey) => known.keyId === key.keyId);
  return {
    ...{ secretArn, name, environment, standing, keyId: key.keyId },
    replacement: !isOurs ? "notNeeded" : promoted ? "promoted" : "pending",
    ...(held?.versionId !== undefined && { versionId: held.versionId }),
    ...(isOurs && { fence: record.fence, rotationId }),
    ...(promoted && {
      promotedAtMs: promoted.promotedAtMs,
      incomingKeyId: promoted.incoming.keyId,
      incomingVersionId: promoted.incoming.versionId,
    }),
    ...(reused && { reused }),
    ...(record.hold && { held: `${record.hold.by}: ${record.hold.reason}` }),
    ...{ behind: [], moved: [] },
  };
}

/** For a secret that is only watched, or has no policy: a person has to replace its key. */
export async function watchedOnly(
  holder: { readonly secretArn: SecretArn; readonly versionId?: VersionId },
  policy: Policy | undefined,
  deps: Deps,
): Promise<SecretInScope> {
  const { current } = await deps.store.versionsInUse(holder.secretArn);
  const isCurrent = current !== undefined && holder.versionId === current;
  const facts = { ...holder, behind: [], moved: [] };
  const named = { name: policy?.name ?? holder.secretArn, environment: policy?.environment ?? "unknown" };
  if (!isCurrent) return { ...facts, ...named, standing: "retired", replacement: "notNeeded" };
  return { ...facts, ...named, standing: "current", replacement: "failed", failure: whyByHand(policy) };
}

function whyByHand(policy: Policy | undefined): string {
  if (policy?.isAdminCredential === true)
    return `no alert replaces an admin credential: \`rekey rotate ${policy.name}\` does while it still works`;
  return policy?.mode === "rotate"
    ? "the key's id at the provider is not known, so its place cannot be taken"
    : "Rekey only watches this secret: a person replaces the key there";
}

/** For a secret that cannot be read or written now: it gets no replacement. */
export function unusable({ policy, key, versionId }: Taking, failure: string): SecretInScope {
  const { secretArn, name, environment } = policy;
  const facts = { secretArn, name, environment, keyId: key.keyId, behind: [], moved: [] };
  return {
    ...facts,
    ...(versionId !== undefined && { versionId }),
    standing: "unplaced",
    replacement: "failed",
    failure,
  };
}
