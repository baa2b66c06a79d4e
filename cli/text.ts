import { sayDuration } from "../core/adoption/reason-text.ts";
import { roughDuration } from "../core/duration.ts";
import { utcText } from "../core/utc.ts";

export function ago(thenMs: number, nowMs: number): string {
  return `${roughDuration(nowMs - thenMs)} ago`;
}

/** UTC, and how long ago it was or how long it is until then. */
export function when(ms: number, nowMs: number): string {
  const distance = sayDuration(Math.abs(nowMs - ms));
  return `${utcText(ms)} (${ms <= nowMs ? `${distance} ago` : `in ${distance}`})`;
}

/** Who it was, without the account. A session's name alone may mean nothing, so its role is shown too. */
export function shortName(principal: string): string {
  const [, role, session] = /:assumed-role\/([^/]+)\/(.+)$/.exec(principal) ?? [];
  if (role !== undefined && session !== undefined) return `${session} as ${role}`;
  return principal.split("/").at(-1) ?? principal;
}

/**
 * Makes text from the ledger safe to print: it may come from outside, and must not move the cursor or begin a
 * new line.
 */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

export function plural(count: number, noun: string, nouns = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : nouns}`;
}
