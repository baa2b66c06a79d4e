import { together } from "../../consumers/together.ts";
import type { Alert, AlertIdentity } from "../../events/alert.ts";
import { fingerprintsOf, shownFor } from "../../events/fingerprint.ts";
import { issuedKeysIn } from "../../providers/read-alerts.ts";
import type { Deps } from "../deps.ts";

/** Shorter words are not looked up: a password of a few letters is also a word of the language. */
const wordLengthMin = 16;
/** A note has a few long words. A text with more of them has those behind these hidden instead of looked up. */
const lookUpsMax = 100;
const atOnceMax = 25;
const depthMax = 8;

const word = new RegExp(`[^\\s"'\`<>()=,;]{${wordLengthMin},}`, "g");

export interface WithoutKeys<Value> {
  readonly value: Value;
  /** How many different keys were found. */
  readonly hidden: number;
}

/**
 * The same value with every key in its texts replaced by the beginning of its fingerprint: keys that look like
 * one of a known issuer, and keys that the index knows. What people and senders write is kept for good.
 */
export async function withoutKeys<Value>(
  value: Value,
  deps: Pick<Deps, "ledger">,
): Promise<WithoutKeys<Value>> {
  const texts = textsIn(value);
  const issued = texts.flatMap(issuedKeysIn);
  const words = texts.flatMap((text) => text.match(word) ?? []);
  const distinct = [...new Set(words)];
  const known = await together(distinct.slice(0, lookUpsMax), {
    atOnceMax,
    work: async (text) => ((await isInIndex(text, deps)) ? [text] : []),
  });
  const keys = new Set([...issued, ...known.flat(), ...distinct.slice(lookUpsMax)]);
  const longestFirst = [...keys].sort((one, other) => other.length - one.length);
  const hide = (text: string) =>
    longestFirst.reduce((shown, key) => shown.replaceAll(key, () => shownFor(key)), text);
  return { value: keys.size === 0 ? value : (mapped(value, hide) as Value), hidden: keys.size };
}

/** The alert as it is kept: a sender or a scanner may have written a key where only an id or a place belongs. */
export async function alertWithoutKeys(alert: Alert, deps: Pick<Deps, "ledger" | "log">): Promise<Alert> {
  const { sourceId, where, identity } = alert;
  const named = identity.kind === "fingerprint" ? {} : { identity };
  const { value, hidden } = await withoutKeys({ sourceId, where, ...named }, deps);
  if (hidden === 0) return alert;
  deps.log({ step: "raise-alert", outcome: "keysHidden", source: alert.source, keys: hidden });
  const cleaned = { ...alert, ...value };
  const misplaced = textOfKey(identity);
  if (misplaced === undefined || misplaced === textOfKey(cleaned.identity)) return cleaned;
  return { ...cleaned, identity: { kind: "fingerprint", values: fingerprintsOf(misplaced) } };
}

/** Where a sender who has the key, and not its id, may write it. */
function textOfKey(identity: AlertIdentity): string | undefined {
  if (identity.kind === "keyId") return identity.keyId;
  return identity.kind === "hint" ? identity.hint : undefined;
}

/** Whether any text in `value` has a key that looks like one of a known issuer. */
export function holdsIssuedKey(value: unknown): boolean {
  return textsIn(value).some((text) => issuedKeysIn(text).length > 0);
}

async function isInIndex(text: string, { ledger }: Pick<Deps, "ledger">): Promise<boolean> {
  for (const fingerprint of fingerprintsOf(text)) {
    if ((await ledger.holders(fingerprint)).length > 0) return true;
  }
  return false;
}

function textsIn(value: unknown, depth = 0): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null || depth > depthMax) return [];
  return Object.values(value).flatMap((inner) => textsIn(inner, depth + 1));
}

function mapped(value: unknown, hide: (text: string) => string, depth = 0): unknown {
  if (typeof value === "string") return hide(value);
  if (typeof value !== "object" || value === null || depth > depthMax) return value;
  if (Array.isArray(value)) return value.map((inner) => mapped(inner, hide, depth + 1));
  const entries = Object.entries(value).map(([name, inner]) => [name, mapped(inner, hide, depth + 1)]);
  return Object.fromEntries(entries);
}
