import { isUnused, parseKeyName } from "../../../core/keys.ts";
import type { FakeKeyState } from "../../../providers/openai/fake.ts";
import { isDisabled } from "../world/shaped.ts";
import { type BoundaryCall, rotationOf } from "../world/surroundings.ts";
import type { Witness } from "./witness.ts";

const makesKeys: ReadonlySet<string> = new Set(["mint-key", "native-bridge"]);

interface Gone {
  /** As the step before saw it. */
  readonly before: FakeKeyState;
  readonly call: BoundaryCall;
}

/**
 * S2 where an owner has at most so many keys: only a disabled key that is nobody's makes room for a new one, and the
 * audit log says so first. True for a key that went for this reason; other rules judge what is in a secret's item.
 */
export function madeRoom(watch: Witness, { before, call }: Gone): boolean {
  if (watch.world.hasTwoPlaces) return placeWasFree(watch, { before, call });
  const { keyId, name } = before;
  const { functionName, input } = call.invocation;
  if (!makesKeys.has(functionName)) return false;
  const maker = parseKeyName(name)?.rotationId;
  const records = [...watch.secrets.values()].flatMap(({ record }) => record ?? []);
  const isItsOwn = maker === rotationOf(input) || records.some(({ lease }) => lease?.runId === maker);
  if (maker !== undefined && isItsOwn) return false;
  const isKnown = records.some(({ keys }) => keys.some((key) => key.keyId === keyId));
  if (isKnown) return false;
  if (!isDisabled(before))
    watch.violate("S2", `${keyId} (${name}) lives, and ends for a new key to have room`);
  if (!isAudited(watch, keyId))
    watch.violate("S2", `${keyId} (${name}) ends for a new key, and the audit log was not told before`);
  return true;
}

/** S2 where an account has two places: what is in use, or was in use and is not let go yet, is never overwritten. */
function placeWasFree(watch: Witness, { before: { keyId, name }, call }: Gone): boolean {
  if (!makesKeys.has(call.invocation.functionName)) return false;
  const isInUse = [...watch.secrets.values()].some(({ current, record }) => {
    const { run, keys = [] } = record ?? {};
    const isIncoming = run !== undefined && run.phase !== "opened" && run.incoming.keyId === keyId;
    const isKept = keys.some((key) => key.keyId === keyId && !isUnused(key) && !isEnded.has(key.state));
    return current.keyId === keyId || isIncoming || isKept;
  });
  if (isInUse) watch.violate("S2", `${keyId} is in use, and a new key is put in its place, ${name}`);
  else if (!isAudited(watch, keyId) && !isMadeFor(watch, keyId))
    watch.violate("S2", `${keyId} ends for a new key, and the audit log was not told before`);
  return true;
}

const isEnded: ReadonlySet<string> = new Set(["revoked", "dead", "discarded"]);

/** Keys without a name of their own that Rekey made for a run. */
const made = new WeakMap<Witness, Set<string>>();

export function isMadeFor(watch: Witness, keyId: string): boolean {
  return made.get(watch)?.has(keyId) === true;
}

/** S3 where keys have no names: some run has said that it makes one. */
export function placeWasIntended(watch: Witness, { keyId }: FakeKeyState, call: BoundaryCall): void {
  if (!watch.world.hasTwoPlaces || !makesKeys.has(call.invocation.functionName)) return;
  made.set(watch, (made.get(watch) ?? new Set()).add(keyId));
  const rotationId = rotationOf(call.invocation.input);
  const isIntended = [...watch.intended].some(
    (name) => rotationId === undefined || parseKeyName(name)?.rotationId === rotationId,
  );
  if (!isIntended) watch.violate("S3", `${keyId} exists, and no intent was written before it was made`);
}

function isAudited({ world }: Witness, keyId: string): boolean {
  return world.table.dump().some(({ kind, body }) => {
    const { action, detail } = body as {
      readonly action?: string;
      readonly detail?: { readonly keyId?: string };
    };
    return kind === "AUDIT" && action === "KeyDisplaced" && detail?.keyId === keyId;
  });
}

/** Where a person brings the keys: what consumers get is a key of the policy's project (S2), whoever brought it. */
export function currentIsOfTheProject(watch: Witness): void {
  for (const { current, policy, hand } of watch.secrets.values()) {
    const key = watch.keyState(current.keyId);
    const { project } = policy.provider.settings as { readonly project?: string };
    if (key === undefined || project === undefined || key.project === project) continue;
    if (hand?.keyId !== key.keyId)
      watch.violate("S2", `AWSCURRENT of ${policy.name} holds ${key.keyId}, which is another project's`);
  }
}
