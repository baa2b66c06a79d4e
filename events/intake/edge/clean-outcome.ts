/** The last step of every source: no text from outside leaves the intake unless it was cleaned here. */
import { type Alert, type AlertIdentity, type AlertOutcome, AlertSchema, alertLimits } from "../../alert.ts";
import { shaped } from "./bounded-json.ts";
import type { KnownPlaintexts } from "./known-plaintexts.ts";
import { providerSlug } from "./provider-name.ts";
import { sha256Hex } from "./signature.ts";

/** The outcome with keys hidden, text printable and bounded, and repeats of one key merged into one alert. */
export function cleanOutcome(raw: AlertOutcome, plaintexts: KnownPlaintexts): AlertOutcome {
  const clean = (alert: Alert) => cleanAlert(alert, plaintexts);
  const cleaned = {
    start: folded(raw.start.map(clean)),
    append: folded(raw.append.map(clean)),
    ignored: raw.ignored.map(({ reason, sourceId }) => ({ reason, sourceId: cleanId(sourceId, plaintexts) })),
  };
  const hidden = plaintexts.hiddenTexts;
  return hidden === 0 ? cleaned : { ...cleaned, hidden };
}

function cleanAlert(alert: Alert, plaintexts: KnownPlaintexts): Alert {
  const { provider: _, ...rest } = alert;
  const provider = cleanProvider(alert.provider, plaintexts);
  const cleaned = {
    ...rest,
    sourceId: cleanId(alert.sourceId, plaintexts),
    identity: cleanIdentity(alert.identity, plaintexts),
    where: [...new Set(alert.where.map((place) => cleanPlace(place, plaintexts)))]
      .filter(Boolean)
      .slice(0, alertLimits.whereMax),
    ...(provider === undefined ? {} : { provider }),
  };
  return shaped(AlertSchema, { value: cleaned, what: "an alert" });
}

function cleanIdentity(identity: AlertIdentity, plaintexts: KnownPlaintexts): AlertIdentity {
  switch (identity.kind) {
    case "fingerprint":
      return { ...identity, values: [...new Set(identity.values)].slice(0, alertLimits.fingerprintsMax) };
    case "keyId": {
      const provider = cleanProvider(identity.provider, plaintexts) ?? "unknown";
      return { ...identity, provider, keyId: cleanId(identity.keyId, plaintexts) };
    }
    case "hint": {
      const { provider: given, ...rest } = identity;
      const provider = cleanProvider(given, plaintexts);
      const hint = cut(printable(plaintexts.hide(identity.hint)), alertLimits.hintLength);
      return provider === undefined ? { ...rest, hint } : { ...rest, hint, provider };
    }
    case "location":
      return { ...identity, url: cleanPlace(identity.url, plaintexts) || "unknown" };
  }
}

function cleanProvider(name: string | undefined, plaintexts: KnownPlaintexts): string | undefined {
  return name === undefined ? undefined : providerSlug(plaintexts.hide(name));
}

/** Keys are hidden before the text is cut, because the cut could leave half a key visible. */
function cleanPlace(place: string, plaintexts: KnownPlaintexts): string {
  return cut(printable(withoutCredentials(plaintexts.hide(place))), alertLimits.whereLength);
}

/** An id that is cut gets a hash of the whole id, so that two long ids stay different. */
function cleanId(sourceId: string, plaintexts: KnownPlaintexts): string {
  const shown = printable(withoutCredentials(plaintexts.hide(sourceId))) || "unknown";
  if (shown.length <= alertLimits.idLength) return shown;
  return `${cut(shown, alertLimits.idLength - 18)}~${sha256Hex(shown).slice(0, 16)}`;
}

/** Addresses may carry tokens in their user part, query and fragment. Only a line or comment number is kept. */
export function withoutCredentials(text: string): string {
  return text.replace(/:\/\/[^/\s]*@/g, "://").replace(addressParts, (_, address: string, fragment = "") => {
    return address + (placeFragment.test(fragment) ? fragment : "");
  });
}

const addressParts = /(https?:\/\/[^\s?#]*)(?:\?[^\s#]*)?(#\S*)?/gi;
const placeFragment = /^#[A-Za-z]{1,20}(?:-|_r)?\d{1,12}(?:-L\d{1,9})?$/;

/**
 * Shows control, format and separator characters as escapes, so that no name breaks a log line or reverses
 * the text on a screen.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`,
  );
}

function cut(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1).toWellFormed()}…`;
}

/** One key found in twenty commits becomes one alert with twenty places. */
function folded(alerts: readonly Alert[]): readonly Alert[] {
  const bySource = new Map<string, Alert>();
  for (const alert of alerts) {
    const key = JSON.stringify([alert.sourceId, alert.identity, alert.test ?? false]);
    const first = bySource.get(key);
    bySource.set(key, first === undefined ? alert : merged(first, alert));
  }
  return [...bySource.values()];
}

function merged(first: Alert, again: Alert): Alert {
  const detectedAtMs = earliest(first.detectedAtMs, again.detectedAtMs);
  const exposedAtMs = earliest(first.exposedAtMs, again.exposedAtMs);
  return {
    ...first,
    exposure: worst([first.exposure, again.exposure], ["public", "unknown", "private"]),
    verified: worst([first.verified, again.verified], ["live", "unknown", "dead"]),
    where: [...new Set([...first.where, ...again.where])].slice(0, alertLimits.whereMax),
    ...(detectedAtMs === undefined ? {} : { detectedAtMs }),
    ...(exposedAtMs === undefined ? {} : { exposedAtMs }),
  };
}

/** The one of the two values that comes first in `order`. */
function worst<T extends string>([first, again]: readonly [T, T], order: readonly T[]): T {
  return order.indexOf(first) <= order.indexOf(again) ? first : again;
}

function earliest(a: number | undefined, b: number | undefined): number | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return Math.min(a, b);
}
