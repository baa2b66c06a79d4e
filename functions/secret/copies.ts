import { copiesOf, whyCopiesCollide } from "../../core/copies/declared.ts";
import type { CopySeen, Destination } from "../../core/copies/destination.ts";
import { copyText } from "../../core/copies/fan-out.ts";
import {
  type CopyNote,
  noteFailed,
  noteRefused,
  noteStarted,
  noteWriting,
  noteWritten,
  writtenCopy,
} from "../../core/copies/note.ts";
import {
  type CopyReason,
  type CopyView,
  isWritten,
  placeText,
  thereNow,
  whyNotWrite,
} from "../../core/copies/rules.ts";
import { CopyRefused, ProviderThrottled, ProviderUnavailable } from "../../core/errors.ts";
import type { CopyPolicy, Policy } from "../../core/policy.ts";
import type { Fingerprint } from "../../core/ports.ts";
import { type Refusal, refusalText } from "../../core/rotation/refusal.ts";
import { assertPromoted, type PlacedKey, type Ticket } from "../../core/rotation/secret-record.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { With } from "../deps.ts";

type Deps = With<"destinations">;

export type CopyRefusal = Refusal<
  CopyReason | "DestinationUnknown" | "DestinationBreached" | "DestinationSilent" | "CopyRefused"
>;

export interface RefusedCopy {
  readonly copy: CopyPolicy;
  readonly refusal: CopyRefusal;
}

/** A run's input holds few of them; the ledger and the log have all. */
const refusalsShownMax = 10;

export function refusalsText(refused: readonly RefusedCopy[]): readonly string[] {
  return refused
    .slice(0, refusalsShownMax)
    .map(({ copy, refusal }) => `${refusal.reason}: ${refusal.detail.slice(0, 300)} (${placeText(copy)})`);
}

interface Question {
  readonly policy: Policy;
  /** Keys of this secret: a copy of one that somebody made by hand is no conflict. */
  readonly own: readonly Fingerprint[];
}

/** Everything that would keep a copy from being written, asked of every place before a key is made. */
export async function whyNoCopies({ policy, own }: Question, deps: Deps): Promise<readonly RefusedCopy[]> {
  const refused: RefusedCopy[] = [];
  for (const copy of copiesOf(policy)) {
    const refusal = await whyNoCopy({ policy, own, copy }, deps);
    if (refusal !== undefined) refused.push({ copy, refusal });
  }
  return refused;
}

type CopyQuestion = Question & { readonly copy: CopyPolicy };

async function whyNoCopy(question: CopyQuestion, deps: Deps): Promise<CopyRefusal | undefined> {
  const { copy } = question;
  const destination = deps.destinations.named(copy.to);
  if (destination === undefined) return unknownDestination(copy);
  const breached = await whyBreached(copy, deps);
  if (breached !== undefined) return breached;
  try {
    return whyNotWrite(await viewOf({ ...question, destination }, deps));
  } catch (error) {
    return refusalIn(error);
  }
}

/** A key that is written to a place that strangers read is the next one that has leaked. */
async function whyBreached(
  { to }: CopyPolicy,
  { ledger }: Pick<Deps, "ledger">,
): Promise<Refusal<"DestinationBreached"> | undefined> {
  const breach = await ledger.campaigns.breach(to);
  if (breach === undefined) return undefined;
  const detail = `${to} was breached (${breach.campaignId}): nothing is written there until \`rekey campaign clean ${to}\``;
  return { reason: "DestinationBreached", detail };
}

export function unknownDestination({ to }: CopyPolicy): Refusal<"DestinationUnknown"> {
  return { reason: "DestinationUnknown", detail: `the deployment has no destination called ${to}` };
}

/** Only the errors of destinations are about this copy alone; anything else ends the step. */
export function refusalIn(error: unknown): Refusal<"CopyRefused" | "DestinationSilent"> {
  if (error instanceof CopyRefused) return { reason: "CopyRefused", detail: error.message };
  if (error instanceof ProviderUnavailable || error instanceof ProviderThrottled)
    return { reason: "DestinationSilent", detail: error.message };
  throw error;
}

async function viewOf(
  { policy, own, copy, destination }: CopyQuestion & { readonly destination: Destination },
  deps: Deps,
): Promise<CopyView> {
  const note = await deps.ledger.copyNote(placeOf(policy, copy));
  const nameMistake = destination.whyNotName(copy.as);
  const place = await destination.whyNotHere();
  const facts = { copy, note, nameMistake, place, own };
  // A name or place that is refused is not looked at: the place may be another environment's.
  if (nameMistake !== undefined || place !== undefined) return { ...facts, seen: {}, found: undefined };
  return { ...facts, ...(await foundAt(copy.as, destination)) };
}

/** What the declared copies are refused for without a call to any place. */
export function whyCopiesUnfit(
  policy: Policy,
  { others, destinations }: { readonly others: readonly Policy[] } & Pick<Deps, "destinations">,
): readonly string[] {
  const placeOf = (name: string) => {
    // Of a destination that the deployment does not list, nothing is known; that is refused by itself.
    const { capabilities, consumers } = destinations.named(name) ?? {};
    return { isShared: capabilities?.marks === "place", ...(consumers && { consumers }) };
  };
  return whyCopiesCollide(policy, { others, placeOf });
}

export function placeOf({ secretArn }: Pick<Policy, "secretArn">, { to, as }: CopyPolicy) {
  return { secretArn, destination: to, name: as };
}

// ---- writing -------------------------------------------------------------------------------------------------

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
 * What is there right after a write that failed may be that write's where the value is hidden, and what comes later is
 * not. A request whose answer was lost may still be on its way, so as long as nothing has changed its end stays unknown.
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

async function foundAt(name: string, destination: Destination): Promise<Pick<CopyView, "seen" | "found">> {
  const seen: CopySeen = await destination.look(name);
  return { seen, found: seen.mark === undefined ? undefined : await destination.read(name) };
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
