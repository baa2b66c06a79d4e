import { sayDuration } from "../core/adoption/reason-text.ts";
import { roughDuration } from "../core/duration.ts";
import { utcText } from "../core/utc.ts";

export { shortName } from "../core/principal.ts";

export function ago(thenMs: number, nowMs: number): string {
  return `${roughDuration(nowMs - thenMs)} ago`;
}

/** How long until then, or since when it is over. */
export function until(ms: number, nowMs: number): string {
  return ms >= nowMs ? `in ${roughDuration(ms - nowMs)}` : `since ${roughDuration(nowMs - ms)}`;
}

/** UTC, and how long ago it was or how long it is until then. */
export function when(ms: number, nowMs: number): string {
  const distance = sayDuration(Math.abs(nowMs - ms));
  return `${utcText(ms)} (${ms <= nowMs ? `${distance} ago` : `in ${distance}`})`;
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
