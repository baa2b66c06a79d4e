import type { CopyNote } from "../../../core/copies/note.ts";
import { type PlaceName, placeNames } from "../world/places.ts";
import type { BoundaryCall } from "../world/surroundings.ts";
import type { Witness } from "./witness.ts";

/** A key goes only when nothing that runs at a place of copies holds it (S2). */
export function noPlaceHoldsIt(watch: Witness, keyId: string): void {
  for (const { place, text } of watch.world.places?.holding() ?? []) {
    if (text === undefined || watch.keyIds.get(text) !== keyId) continue;
    // Somebody who goes back to an older deployment between the gate and the call is seen by nobody in time.
    if (watch.world.places?.movedAt.has(place) === true) continue;
    watch.violate("S2", `${keyId} goes, and what runs at ${place} holds it`);
  }
}

/** Rekey writes to the place that the deployment means (S7), and never over what somebody else put there. */
export function copiesAreOurs(watch: Witness, { port, operation, changes, invocation }: BoundaryCall): void {
  const { places } = watch.world;
  if (port !== "destination" || !changes || places === undefined) return;
  const place = placeNames.find((each) => operation.startsWith(`${each} `));
  if (place !== undefined) places.written.add(place);
  if (place === "ci" && !places.isSharedAsBefore)
    watch.violate("S5", "a write to ci changed who may use what is there");
  if (
    place === undefined ||
    isTooNew(watch, { place, startedStep: watch.lives.get(invocation.id)?.startedStep })
  )
    return;
  if (places.astray.has(place))
    watch.violate("S7", `a copy goes to ${place}, which is another environment's`);
  const theirs = places.changes.get(place);
  const now = places.storedNow(place);
  if (theirs !== undefined && now !== undefined && now !== theirs)
    watch.violate("S5", `what somebody put into ${place} was overwritten`);
}

/** A write that began, and whose end Rekey may have to guess. */
export function copyWasNoted({ world }: Witness, { destination, writing }: CopyNote): void {
  const place = placeNames.find((each) => each === destination);
  if (place === undefined) return;
  if (writing === undefined || writing.isOver === true) world.places?.unheardSince.delete(place);
  else world.places?.unheardSince.set(place, world.time.nowMs());
}

/** What came after the function had looked cannot be seen by it. */
function isTooNew(
  { world }: Witness,
  { place, startedStep = 0 }: { readonly place: PlaceName; readonly startedStep: number | undefined },
): boolean {
  return (world.places?.movedAt.get(place) ?? 0) >= startedStep;
}
