import { parseKeyName } from "../../../core/keys.ts";
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
