import type { KeyId, SecretArn } from "../../../core/ports.ts";
import { type BoundaryCall, rotationOf } from "../world/surroundings.ts";
import type { WatchedSecret, Witness } from "./witness.ts";

/** Asked whenever a call of Rekey has moved AWSCURRENT: what somebody else put there is neither lost nor overruled. */
export function currentWasMoved(
  watch: Witness,
  { secret, before }: { readonly secret: WatchedSecret; readonly before: WatchedSecret["current"] },
): void {
  const { secretArn, policy, record, current } = secret;
  const run = record?.run;
  noteLateMove(watch, secret, before);
  const isItsOwn = run === undefined || before.keyId === run.retiring.keyId || before.keyId === current.keyId;
  if (!isItsOwn && !isPutBack(watch, secret, before))
    watch.violate(
      "hand",
      `AWSCURRENT of ${policy.name} is taken from ${before.keyId}, and the retiring key is ${run.retiring.keyId}`,
    );
  const texts = watch.world.store.versions(secretArn);
  const [was, is] = [before, current].map(({ versionId }) =>
    texts.find((one) => one.versionId === versionId),
  );
  if (policy.field === undefined || was === undefined || is === undefined) return;
  const [kept, now] = [was, is].map(({ text }) => otherFields(text.reveal(), policy.field));
  if (kept !== now) watch.violate("hand", `the promotion of ${policy.name} turns ${kept} into ${now}`);
}

/**
 * A promotion that slept takes AWSCURRENT from the version that its own run had found. The store compares versions and
 * knows of no fence: where a hand has put that very version back, nobody can keep the late call from moving it again.
 */
function isPutBack(
  watch: Witness,
  { hand, record }: WatchedSecret,
  { keyId }: WatchedSecret["current"],
): boolean {
  const rotationId = rotationOf(watch.call?.invocation.input);
  return rotationId !== record?.run?.rotationId && hand !== undefined && hand.keyId === keyId;
}

/** Per secret, the version that a function which had lost the secret moved AWSCURRENT to. */
const lateMoves = new WeakMap<Witness, Map<string, string>>();

function noteLateMove(watch: Witness, secret: WatchedSecret, before: WatchedSecret["current"]): void {
  const moves = lateMoves.get(watch) ?? new Map<string, string>();
  lateMoves.set(watch, moves);
  const rotationId = rotationOf(watch.call?.invocation.input);
  const isHolder = secret.record?.lease?.runId === rotationId;
  if (!isHolder && secret.hand?.keyId === before.keyId) moves.set(secret.secretArn, secret.current.versionId);
}

/** Nobody can prevent it (see above), so what is asked instead is that people are paged (L3). */
export function isMovedLate(watch: Witness, { secretArn, current }: WatchedSecret): boolean {
  return lateMoves.get(watch)?.get(secretArn) === current.versionId;
}

function otherFields(text: string, field: string | undefined): string {
  const { [field ?? ""]: _key, ...others } = JSON.parse(text) as Record<string, unknown>;
  return JSON.stringify(others);
}

const isMint = ({ port, operation }: BoundaryCall) =>
  port === "provider" && /^POST .*api_keys$/.test(operation);

/** Of this secret: a copy of its key in another secret is written after the promotion, which a stop does not take back. */
function isPromotion({ port, operation, given }: BoundaryCall, of: SecretArn | undefined): boolean {
  const { secretArn, label, to } = (given[0] ?? {}) as Partial<Record<"secretArn" | "label" | "to", string>>;
  const isMove = port === "store" && operation === "moveLabel" && label === "AWSCURRENT" && to !== undefined;
  return isMove && secretArn === of;
}

/** A `rekey stop` is read just before a mint and a promotion; incidents obey it only if it says so. */
export function nothingIsBegunWhenStopped(watch: Witness, call: BoundaryCall): void {
  const { id, functionName, input } = call.invocation;
  const { secretArn } = (input ?? {}) as { readonly secretArn?: string };
  if (!isMint(call) && !isPromotion(call, secretArn)) return;
  const secret = secretArn === undefined ? undefined : watch.secrets.get(secretArn);
  if (secret === undefined) return;
  const isIncident = secret.record?.lease?.kind === "incident";
  const startedStep = watch.lives.get(id)?.startedStep ?? 0;
  for (const [scope, { step, what, includingIncidents = false }] of watch.stops)
    if (step < startedStep && covers(scope, secret) && (!isIncident || includingIncidents))
      watch.violate(
        "S2",
        `${functionName} goes on with ${secret.policy.name} although a stop applies: ${what}`,
      );
}

/** S2: a stop that incidents obey, too, is read before each key that one of them ends. */
export function incidentsAreNotStopped(watch: Witness, keyId: KeyId, { invocation }: BoundaryCall): void {
  const { id, functionName } = invocation;
  const startedStep = watch.lives.get(id)?.startedStep ?? 0;
  for (const { step, what, includingIncidents = false } of watch.stops.values())
    if (includingIncidents && step < startedStep)
      watch.violate("S2", `${functionName} ends ${keyId} although a stop applies: ${what}`);
}

export function covers(scope: string, { policy }: Pick<WatchedSecret, "policy">): boolean {
  return scope === "all" || scope === policy.secretArn || scope === `provider/${policy.provider.account}`;
}

/** `rekey sweep --dry-run` only looks. */
export function dryRunChangesNothing(
  watch: Witness,
  { invocation, changes, port, operation }: BoundaryCall,
): void {
  const { dryRun } = (invocation.input ?? {}) as { readonly dryRun?: boolean };
  if (invocation.functionName === "sweep" && dryRun === true && changes)
    watch.violate("sweep", `a sweep that only looks changes something: ${port} ${operation}`);
}
