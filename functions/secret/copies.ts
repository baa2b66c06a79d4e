import { copiesOf, whyCopiesCollide } from "../../core/copies/declared.ts";
import type { CopySeen, Destination } from "../../core/copies/destination.ts";
import { type CopyReason, type CopyView, placeText, whyNotWrite } from "../../core/copies/rules.ts";
import { CopyRefused, ProviderThrottled, ProviderUnavailable } from "../../core/errors.ts";
import type { CopyPolicy, Policy } from "../../core/policy.ts";
import type { Fingerprint } from "../../core/ports.ts";
import type { Refusal } from "../../core/rotation/refusal.ts";
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
export async function whyBreached(
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

export async function viewOf(
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

export async function foundAt(
  name: string,
  destination: Destination,
): Promise<Pick<CopyView, "seen" | "found">> {
  const seen: CopySeen = await destination.look(name);
  return { seen, found: seen.mark === undefined ? undefined : await destination.read(name) };
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
