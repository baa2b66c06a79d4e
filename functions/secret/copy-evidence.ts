import type { CopyEvidence } from "../../core/adoption/evidence.ts";
import type { CopyUse, Destination } from "../../core/copies/destination.ts";
import { type CopyNote, noteMark, noteSeen, noteUse, writtenCopy } from "../../core/copies/note.ts";
import { isAsNoted, placeText } from "../../core/copies/rules.ts";
import type { ConsumerPolicy, CopyPolicy, Policy } from "../../core/policy.ts";
import type { VersionId } from "../../core/ports.ts";
import type { With } from "../deps.ts";

type Deps = With<"destinations">;

import { placeOf, refusalIn, unknownDestination } from "./copies.ts";

interface Asking {
  readonly policy: Policy;
  readonly incomingVersionId: VersionId;
  readonly nowMs: number;
}

/** Asks each destination about each copy: is it the place, is it what Rekey wrote, and does what runs use it? */
export async function observeCopies(asking: Asking, deps: Deps): Promise<readonly CopyEvidence[]> {
  const { consumers } = asking.policy;
  const evidence: CopyEvidence[] = [];
  for (const consumer of consumers === "none" ? [] : consumers)
    for (const copy of consumer.copies ?? [])
      evidence.push(await observeCopy({ ...asking, consumer, copy }, deps));
  return evidence;
}

type Observed = Pick<CopyEvidence, "state" | "detail" | "mark" | "activeSinceMs" | "remainingMs">;
type AskingOne = Asking & { readonly consumer: ConsumerPolicy; readonly copy: CopyPolicy };

async function observeCopy(asking: AskingOne, deps: Deps): Promise<CopyEvidence> {
  const { consumer, copy, incomingVersionId: versionId, nowMs } = asking;
  const destination = deps.destinations.named(copy.to);
  const { name: consumerName, environment, account } = consumer;
  const seen: Observed =
    destination === undefined
      ? { state: "unwritten", detail: unknownDestination(copy).detail }
      : await seenAt({ ...asking, destination }, deps);
  return {
    ...{ kind: "copy", consumer: consumerName, environment, account, observedAtMs: nowMs, versionId },
    ...{ destination: copy.to, destinationKind: destination?.kind ?? "unknown", name: copy.as },
    activation: destination?.capabilities.activation ?? "live",
    proof: destination?.capabilities.proof ?? "none",
    ...seen,
  };
}

type AskingAt = Omit<AskingOne, "consumer"> & { readonly destination: Destination };

async function seenAt(asking: AskingAt, deps: Deps): Promise<Observed> {
  try {
    return await lookAt(asking, deps);
  } catch (error) {
    const { detail } = refusalIn(error);
    return { state: "unknown", detail: `${placeText(asking.copy)} could not be asked: ${detail}` };
  }
}

async function lookAt(asking: AskingAt, deps: Deps): Promise<Observed> {
  const { policy, copy, incomingVersionId, destination } = asking;
  const refusal = await destination.whyNotHere();
  if (refusal !== undefined)
    return { state: refusal.reason === "WrongPlace" ? "elsewhere" : "unknown", detail: refusal.detail };
  const note = await deps.ledger.copyNote(placeOf(policy, copy));
  if (note?.written?.versionId !== incomingVersionId || note.writing !== undefined)
    return { state: "unwritten", detail: `${placeText(copy)} is not written yet` };
  const standing = await isStanding({ ...asking, note }, deps);
  if (standing === undefined)
    return { state: "changed", detail: `${placeText(copy)} was changed outside Rekey after it was written` };
  return usedBy({ ...asking, note: standing }, deps);
}

type AskingNoted = AskingAt & { readonly note: CopyNote };

/** The note, as of this look, which is stored unless the look changes nothing; undefined if the place holds something else. */
export async function isStanding(
  {
    policy,
    copy,
    destination,
    note,
    nowMs,
    dryRun = false,
  }: Omit<AskingNoted, "incomingVersionId"> & { readonly dryRun?: boolean },
  deps: Deps,
): Promise<CopyNote | undefined> {
  const seen = await destination.look(copy.as);
  const { mark } = seen;
  if (mark === undefined) return undefined;
  const found = mark === note.written?.mark ? undefined : await destination.read(copy.as);
  if (!isAsNoted({ note, seen, found })) return undefined;
  const asSeen = (now: CopyNote) => noteSeen(noteMark(now, mark), nowMs);
  return dryRun ? asSeen(note) : deps.ledger.changeCopy(placeOf(policy, copy), asSeen);
}

async function usedBy(
  { policy, copy, destination, note, nowMs }: AskingNoted,
  deps: Deps,
): Promise<Observed> {
  const written = writtenCopy(note, nowMs);
  if (written === undefined) return { state: "unwritten", detail: `${placeText(copy)} is not written yet` };
  const use = await destination.use({ ...written, nowMs });
  const isActive = use.state === "active";
  const next = await deps.ledger.changeCopy(placeOf(policy, copy), (now) =>
    noteUse(now, { isActive, nowMs }),
  );
  const activeSinceMs = next.written?.activeSinceMs;
  return {
    ...{ state: stateOf(use), mark: written.mark, detail: `${placeText(copy)}: ${use.detail}` },
    ...(activeSinceMs !== undefined && { activeSinceMs }),
    ...(use.remainingMs !== undefined && { remainingMs: use.remainingMs }),
  };
}

function stateOf({ state }: CopyUse): CopyEvidence["state"] {
  return state === "idle" ? "activating" : state;
}
