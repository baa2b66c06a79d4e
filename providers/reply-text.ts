import type { HttpReply } from "./http.ts";

const RETRY_AFTER_MS_MAX = 60 * 60 * 1000;
const NAME_CHARS_MAX = 256;

/** Anyone at the provider can name a key: a name must not be able to break a log record or a terminal. */
export function printable(text: string): string {
  const escaped = text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu,
    (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`,
  );
  return escaped.slice(0, NAME_CHARS_MAX);
}

/** Retry-After as a provider or a proxy before it sends it; a date is measured against the reply's own Date. */
export function retryAfterMs({ headers, dateMs }: HttpReply): number | undefined {
  const asked = headers["retry-after-ms"] ?? headers["retry-after"];
  if (asked === undefined) return undefined;
  const isSeconds = headers["retry-after-ms"] === undefined;
  const waitMs = /^\d{1,9}(\.\d{1,3})?$/.test(asked)
    ? Number(asked) * (isSeconds ? 1000 : 1)
    : Date.parse(asked) - (dateMs ?? Number.NaN);
  return Number.isFinite(waitMs) ? Math.min(Math.max(waitMs, 0), RETRY_AFTER_MS_MAX) : undefined;
}

/** Whether a text fits a hint: its first and last characters around dots, stars or an ellipsis. */
export function mayBe(hint: string | undefined, text: string): boolean {
  const [, first = "", last = ""] = hintText.exec(hint ?? "") ?? [];
  return (
    last !== "" && text.startsWith(first) && text.endsWith(last) && text.length > first.length + last.length
  );
}

/** The first and last characters of a key, with dots or stars between them. */
const hintText = /^([^.*\u2026]{0,64})[.*\u2026]{1,256}([^.*\u2026]{3,64})$/;

/** Whether the hint that the issuer shows belongs to another key. False for a hint of a form that is not known. */
export function isHintOfOther(hint: string | undefined, text: string): boolean {
  return hintText.test(hint ?? "") && !mayBe(hint, text);
}
