import type { InstanceEvidence } from "../../../core/adoption/evidence.ts";
import type { PromotedRun, SecretRecord } from "../../../core/rotation/secret-record.ts";
import { account } from "../world/account.ts";
import { covers } from "./outside-change-rules.ts";
import { placeOf, reportOf, type WatchedSecret, type Witness, wasHanded } from "./witness.ts";

/** S2, S7, S8, judged when the intent is in the item: from here on the key counts as gone. */
export function mayLetGo(
  watch: Witness,
  {
    secret,
    before,
    run,
  }: { readonly secret: WatchedSecret; readonly before: SecretRecord; readonly run: PromotedRun },
): void {
  const { retiring, incoming } = run;
  const say = (rule: string, what: string) =>
    watch.violate(
      rule,
      `${retiring.keyId} of ${secret.policy.name} is let go (${run.phase}) although ${what}`,
    );
  watch.look();
  if (before.hold) say("S2", "a hold applies");
  if (before.frozen) say("S2", "the secret is frozen");
  if (retiring.keyId === incoming.keyId) say("S2", "it is the incoming key");
  if (before.run?.retiring.keyId !== retiring.keyId) say("S2", "it is not the recorded retiring key");
  if (!secret.proven.has(incoming.keyId)) say("S2", "the incoming key was never proven");
  if (!watch.isUsable(incoming.keyId)) say("S2", "the incoming key does not work");
  if (secret.policy.retain) say("S2", "the policy retains it");
  const life = lifeOfCall(watch);
  if (
    secret.current.keyId !== incoming.keyId &&
    !isHandLater(secret, life?.readCurrent.get(secret.secretArn))
  )
    say("S2", `AWSCURRENT holds ${secret.current.keyId}`);
  for (const [scope, { step, what }] of watch.stops)
    if (step < (life?.startedStep ?? 0) && covers(scope, secret)) say("S2", `a stop applies: ${what}`);
  const others = watch.holders.get(retiring.fingerprint) ?? [];
  const isSeparated = before.run !== undefined && watch.isTidy;
  if (
    !isSeparated &&
    others.some(({ secretArn, step }) => secretArn !== secret.secretArn && step < (life?.startedStep ?? 0))
  )
    say("S2", "another secret holds it");
  consumersHaveMoved(watch, { secret, run, say });
  nobodyHasReturned(watch, { run, say });
  useIsQuiet(watch, { secret, run, say });
}

function lifeOfCall(watch: Witness) {
  const id = watch.call?.invocation.id;
  return id === undefined ? undefined : watch.lives.get(id);
}

const isHandLater = ({ hand }: WatchedSecret, step: number | undefined) =>
  hand !== undefined && step !== undefined && hand.step > step;

interface Judged {
  readonly secret: WatchedSecret;
  readonly run: PromotedRun;
  readonly say: (rule: string, what: string) => void;
}

/** The truth that evidence stands for: nobody who reports would still use the retiring key. */
function consumersHaveMoved(watch: Witness, { secret, run, say }: Judged): void {
  const seenStep = lifeOfCall(watch)?.startedStep ?? 0;
  const consumers =
    secret.declarations.findLast(({ step }) => step < Math.max(1, seenStep))?.policy.consumers ?? [];
  const isHandled = secret.hand !== undefined && secret.hand.keyId === run.retiring.keyId;
  for (const instance of secret.instances) {
    const { name, environment } = instance.consumer;
    const isDeclared =
      consumers !== "none" && consumers.some((one) => one.name === name && one.environment === environment);
    const isHeard = watch.known.has(placeOf({ account, environment, instance: instance.id }));
    // What reports nothing runs on a platform, which was asked.
    if ((!isHeard && !instance.consumer.isSilent) || isForgottenStill(watch, instance.id)) continue;
    if (isHandled || wasHanded(secret, { run, fetchedAtMs: instance.fetchedAtMs })) continue;
    if (instance.wouldUse(run.retiring.fingerprint))
      say(
        "S2",
        `${isDeclared ? "declared" : "undeclared"} ${instance.id} of ${environment} would still use it`,
      );
  }
  if (consumers === "none") return;
  if (consumers.length === 0) say("S7", "its consumers are unknown");
  for (const { name, environment, account, evidence } of consumers) {
    if (
      evidence.includes("client") &&
      !secret.reported.has(`${account}/${environment}/${name} ${run.incoming.fingerprint}`)
    )
      say("S7", `${name} of ${environment} never reported the incoming key`);
  }
}

/** S8, on the provider's own clock and with its lag: what the last look could see was quiet for long enough. */
function useIsQuiet(watch: Witness, { secret, run, say }: Judged): void {
  if (!secret.policy.signals.includes("provider")) return;
  const askedAtMs = lifeOfCall(watch)?.askedUse.get(run.retiring.keyId);
  if (askedAtMs === undefined) {
    say("S8", "the provider was not asked again by whoever decided");
    return;
  }
  const visibleMs = askedAtMs - watch.usageLagMs;
  const lastUsedAtMs = watch.usedAt(run.retiring.keyId, visibleMs);
  // The provider's times are whole seconds.
  if (lastUsedAtMs !== undefined && askedAtMs - lastUsedAtMs < secret.policy.quietMs - 1_000)
    say("S8", `it was used ${askedAtMs - lastUsedAtMs} ms before the last look`);
}

/** Whoever is heard again was not gone: within the time that it may go on without another report it is in the way. */
function nobodyHasReturned(watch: Witness, { run, say }: Pick<Judged, "run" | "say">): void {
  const startedStep = lifeOfCall(watch)?.startedStep ?? 0;
  for (const item of instancesIn(watch)) {
    const { instance, unproven, holds, ended, observedAtMs, maxStaleMs } = item;
    const arrivedStep = watch.returned.get(reportOf(item));
    if (arrivedStep === undefined || arrivedStep >= startedStep || unproven !== undefined || ended) continue;
    const mayRun = observedAtMs + maxStaleMs >= watch.world.time.nowMs();
    if (holds.fingerprint === run.retiring.fingerprint && mayRun)
      say("S2", `${instance}, which a person had called gone, reported again that it holds it`);
  }
}

/** A report that has arrived of an instance that a person had called gone. */
export function noteReturned(watch: Witness, item: InstanceEvidence): void {
  if (item.forgotten === undefined || item.sequence <= item.forgotten.sequence) return;
  if (!watch.returned.has(reportOf(item))) watch.returned.set(reportOf(item), watch.step);
}

function instancesIn({ world }: Witness): readonly InstanceEvidence[] {
  const items = world.table.dump().flatMap(({ kind, body }) => (kind === "EVIDENCE" ? [body] : []));
  return items.filter((item): item is InstanceEvidence => "instance" in (item as object));
}

/** A person said that it is gone, and nothing that it said since has arrived. */
function isForgottenStill(watch: Witness, instance: string): boolean {
  const items = instancesIn(watch).filter(
    (item) => item.instance === instance && item.unproven === undefined,
  );
  return (
    items.length > 0 && items.every(({ forgotten, sequence }) => (forgotten?.sequence ?? -1) >= sequence)
  );
}
