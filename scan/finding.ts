import type { Rule } from "./rules.ts";

/** One place where a key or a secret stands in plain text, or where one will. It never holds the key's text. */
export interface Finding {
  readonly rule: Rule;
  readonly path: string;
  /** Both begin at 1. */
  readonly line: number;
  readonly column: number;
  /** The commit that brought it in, where the history was scanned. */
  readonly commit?: string;
  /** One sentence: what stands there. */
  readonly says: string;
  /** The issuer whose key it looks like, as policies name it. */
  readonly provider?: string;
  /** Of the key's text, to ask the deployment whether it knows the key. */
  readonly fingerprint?: string;
  /** The same for the same finding in a later scan, wherever it has moved to in its file. */
  readonly id: string;
  /** Set where somebody accepted it: beside it in the file, or in the baseline. */
  readonly accepted?: { readonly by: "comment" | "baseline"; readonly reason: string };
}

/** Enough to find the key in a console, where issuers show as much; too little to use or to guess it. */
export function masked(key: string, prefix = ""): string {
  const end = key.length >= shownFrom ? key.slice(-shownLength) : "";
  return `${prefix}…${end} (${key.length} characters)`;
}

const shownFrom = 24;
const shownLength = 4;
