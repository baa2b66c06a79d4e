import { copiesOf } from "../../core/copies/declared.ts";
import type { Destination } from "../../core/copies/destination.ts";
import { copyText } from "../../core/copies/fan-out.ts";
import { type CopyNote, noteRefused, noteStarted, writtenCopy } from "../../core/copies/note.ts";
import { noteFailed, noteWriting, noteWritten } from "../../core/copies/note-writing.ts";
import { type CopyView, isWritten, thereNow, whyNotWrite } from "../../core/copies/rules.ts";
import { CopyRefused } from "../../core/errors.ts";
import type { CopyPolicy, Policy } from "../../core/policy.ts";
import { refusalText } from "../../core/rotation/refusal.ts";
import { assertPromoted, type PlacedKey, type Ticket } from "../../core/rotation/secret-record.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { With } from "../deps.ts";
import {
  type CopyRefusal,
  foundAt,
  placeOf,
  type RefusedCopy,
  refusalIn,
  unknownDestination,
  viewOf,
  whyBreached,
} from "./copies.ts";

type Deps = With<"destinations">;

interface Writing {
  readonly ticket: Ticket;
  readonly policy: Policy;
  readonly incoming: PlacedKey;
  readonly retiring: PlacedKey;
  readonly text: Secret;
  readonly atMs: number;
}

/** Writes every copy that is not there yet, each on its own: one that is refused does not stop the others. */
export async function writeCopies(writing: Writing, deps: Deps): Promise<readonly RefusedCopy[]> {
  const refused: RefusedCopy[] = [];
  for (const copy of copiesOf(writing.policy)) {
    const refusal = await writeCopy({ ...writing, copy }, deps);
    await noteRefusal({ policy: writing.policy, copy, refusal }, deps);
    if (refusal !== undefined) refused.push({ copy, refusal });
  }
  return refused;
}

/** Kept with the copy, so that people see it, and that the same refusal is not published at every try. */
async function noteRefusal(
  {
    policy,
    copy,
    refusal,
  }: Pick<OneWriting, "policy" | "copy"> & { readonly refusal: CopyRefusal | undefined },
  deps: Deps,
): Promise<void> {
  const text = refusal && refusalText(refusal);
  let isNews = false;
  await deps.ledger.changeCopy(placeOf(policy, copy), (note) => {
    isNews = text !== undefined && note.refused !== text;
    return noteRefused(note, text);
  });
  if (!isNews) return;
  const { to: destination, as: name } = copy;
  const detail = { destination, name, reason: text };
  await deps.bus.publish({ type: "CopyRefused", secretArn: policy.secretArn, detail });
}

type OneWriting = Writing & { readonly copy: CopyPolicy };

async function writeCopy(writing: OneWriting, deps: Deps): Promise<CopyRefusal | undefined> {
  const { policy, incoming, retiring, copy } = writing;
  const destination = deps.destinations.named(copy.to);
  if (destination === undefined) return unknownDestination(copy);
  const breached = await whyBreached(copy, deps);
  if (breached !== undefined) return breached;
  try {
    const own = [retiring.fingerprint, incoming.fingerprint];
    const view = await viewOf({ policy, own, copy, destination }, deps);
    const refusal = whyNotWrite(view);
    if (refusal !== undefined) return refusal;
    const note =
      view.note !== undefined && isWritten(view, incoming.versionId)
        ? view.note
        : await write({ ...writing, view, destination }, deps);
    await activate({ ...writing, note, destination }, deps);
    return undefined;
  } catch (error) {
    return refusalIn(error);
  }
}

async function write(
  writing: OneWriting & { readonly view: CopyView; readonly destination: Destination },
  deps: Deps,
): Promise<CopyNote> {
  const { ticket, policy, incoming, text, copy, view, destination } = writing;
  const place = placeOf(policy, copy);
  // Read just before: a function that was frozen must not write over the copies of the run that came after.
  assertPromoted(await deps.ledger.secret(policy.secretArn), ticket);
  const value = new Secret(copyText(copy, text.reveal()));
  const { versionId } = incoming;
  const copied = { versionId, fingerprint: fingerprintOf(value) };
  const begin = { ...copied, over: thereNow(view), sinceMs: view.seen.placeNowMs };
  const { begun } = await deps.ledger.changeCopy(place, (note) => noteWriting(note, begin));
  const mark = await destination
    .write({ name: copy.as, text: value, versionId, seen: view.seen })
    .catch(async (error: unknown) => {
      await lookAfter({ place, begun, over: begin.over, error, destination }, deps);
      throw error;
    });
  const note = await deps.ledger.changeCopy(place, (now) => noteWritten(now, { ...copied, mark, begun }));
  await deps.audit.append(policy.secretArn, {
    id: `${ticket.rotationId}/copy/${copy.to}/${copy.as}/${versionId}`,
    atMs: writing.atMs,
    actor: ticket.rotationId,
    action: "CopyWritten",
    detail: { destination: copy.to, kind: destination.kind, name: copy.as, versionId, mark },
  });
  return note;
}

interface Failed {
  readonly place: ReturnType<typeof placeOf>;
  readonly begun: number | undefined;
  /** What the write was to replace. */
  readonly over: string | undefined;
  readonly error: unknown;
  readonly destination: Destination;
}

/**
 * What is there right after a write that failed may be that write's where the value is hidden, and what comes later
 * is not. A request whose answer was lost may still be on its way: as long as nothing changed, its end is unknown.
 */
async function lookAfter(failed: Failed, deps: Deps): Promise<void> {
  const { place, begun, over, error, destination } = failed;
  // A place that compares may have refused this write because of somebody else's change.
  if (destination.capabilities.compareAndSwap === "native") return;
  const now = await foundAt(place.name, destination).catch(() => ({ found: undefined, seen: {} }));
  const what = thereNow(now);
  const isUnheard = what === over && !(error instanceof CopyRefused);
  // Another value that can be read tells by itself whose it is.
  const isReadable = what !== over && now.found !== undefined;
  if (what === undefined || isUnheard || isReadable) return;
  await deps.ledger.changeCopy(place, (note) => noteFailed(note, { begun, over: what }));
}

/** Also of a copy that an earlier try wrote: it may have ended before it could start anything. */
async function activate(
  writing: OneWriting & { readonly note: CopyNote; readonly destination: Destination },
  deps: Deps,
): Promise<void> {
  const { policy, copy, note, destination, atMs } = writing;
  const written = writtenCopy(note, atMs);
  if (written === undefined || written.started !== undefined) return;
  const started = await destination.activate(written);
  await deps.ledger.changeCopy(placeOf(policy, copy), (now) => noteStarted(now, started));
}
