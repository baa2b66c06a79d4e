import { copiesOf } from "../../core/copies/declared.ts";
import type { Destination } from "../../core/copies/destination.ts";
import { type CopyNote, noteAstray, writtenCopy } from "../../core/copies/note.ts";
import { placeText } from "../../core/copies/rules.ts";
import type { CopyPolicy, Policy } from "../../core/policy.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import type { With } from "../deps.ts";

type Deps = With<"destinations">;

import { placeOf, refusalIn, unknownDestination } from "../secret/copies.ts";
import { isStanding } from "../secret/copy-evidence.ts";

interface Looking {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly nowMs: number;
  readonly dryRun: boolean;
}

/**
 * Between rotations nobody else looks at a copy: one that was changed, or a roll-back to what was deployed before, may
 * bring back a key that is dead. A run that holds the secret asks by itself. Answers how many are astray.
 */
export async function sweepCopies({ policy, record, nowMs, dryRun }: Looking, deps: Deps): Promise<number> {
  if (record.lease !== undefined) return 0;
  let found = 0;
  for (const copy of copiesOf(policy)) {
    const note = await deps.ledger.copyNote(placeOf(policy, copy));
    if (note?.written === undefined) continue;
    const why = await whyAstray({ policy, copy, note, nowMs, dryRun }, deps);
    if (why === "silent") continue;
    if (why !== undefined) found += 1;
    if (!dryRun) await say({ policy, copy, note, why }, deps);
  }
  return found;
}

interface Asking extends Omit<Looking, "record"> {
  readonly copy: CopyPolicy;
  readonly note: CopyNote;
}

/** `silent`: the place could not be asked, which says nothing; the next sweep asks again. */
async function whyAstray(asking: Asking, deps: Deps): Promise<string | "silent" | undefined> {
  const destination = deps.destinations.named(asking.copy.to);
  if (destination === undefined) return unknownDestination(asking.copy).detail;
  try {
    return await whyAstrayAt({ ...asking, destination }, deps);
  } catch (error) {
    const { reason, detail } = refusalIn(error);
    return reason === "DestinationSilent" ? "silent" : detail;
  }
}

async function whyAstrayAt(
  { destination, ...asking }: Asking & { readonly destination: Destination },
  deps: Deps,
): Promise<string | undefined> {
  const { copy, nowMs } = asking;
  const place = await destination.whyNotHere();
  if (place !== undefined) return place.detail;
  const standing = await isStanding({ ...asking, destination }, deps);
  const written = standing && writtenCopy(standing, nowMs);
  if (written === undefined) return `${placeText(copy)} was changed outside Rekey`;
  const use = await destination.use({ ...written, nowMs });
  const isUsed = use.state === "active" || use.state === "activating";
  return isUsed ? undefined : `${placeText(copy)}: ${use.detail}`;
}

/** Published once for each reason; the metric says that it still stands. */
async function say(
  {
    policy,
    copy,
    note,
    why,
  }: Pick<Asking, "policy" | "copy" | "note"> & { readonly why: string | undefined },
  deps: Deps,
): Promise<void> {
  if (note.astray === why) return;
  await deps.ledger.changeCopy(placeOf(policy, copy), (now) => noteAstray(now, why));
  if (why === undefined) return;
  const detail = { destination: copy.to, name: copy.as, reason: why };
  await deps.bus.publish({ type: "CopyAstray", secretArn: policy.secretArn, detail });
}
