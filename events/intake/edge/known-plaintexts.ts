import type { Fingerprint } from "../../../core/ports.ts";
import { fingerprintOf, keyLengthMin, variantsOf } from "../../fingerprint.ts";

/** Longer places are not shown at all: a key in one could be cut in two and stay visible. */
const shownLengthMax = 4096;
/** With more different lengths than this behind one prefix, hide too much rather than search for long. */
const lengthsPerPrefixMax = 32;
const hidden = "[secret]";

/**
 * The keys in the report that is being read. Scanners repeat a key in addresses and file names, even in those
 * of another finding, so everything that leaves the report goes through `hide`.
 */
export class KnownPlaintexts {
  readonly #texts = new Set<string>();
  readonly #lengthsByPrefix = new Map<string, Set<number>>();

  /** The key's fingerprints in every form it may have; empty if it is too short or too long to be a key. */
  learn(text: string): readonly Fingerprint[] {
    const variants = variantsOf(text);
    for (const form of variants.flatMap(spellings)) this.#remember(form);
    return variants.map(fingerprintOf);
  }

  hide(text: string): string {
    if (text.length > shownLengthMax) return "[too long to show]";
    if (this.#texts.size === 0) return text;

    let shown = "";
    for (let at = 0; at < text.length; ) {
      const length = this.#lengthAt(text, at);
      shown += length > 0 ? hidden : text[at];
      at += Math.max(length, 1);
    }
    return shown;
  }

  /** How many characters of `text`, from `at` on, are one of the keys. */
  #lengthAt(text: string, at: number): number {
    const lengths = this.#lengthsByPrefix.get(text.slice(at, at + keyLengthMin));
    if (lengths === undefined) return 0;
    if (lengths.size > lengthsPerPrefixMax) return text.length - at;

    let longest = 0;
    for (const length of lengths) {
      if (length > longest && this.#texts.has(text.slice(at, at + length))) longest = length;
    }
    return longest;
  }

  #remember(text: string): void {
    if (text.length < keyLengthMin || text.length > shownLengthMax || this.#texts.has(text)) return;
    this.#texts.add(text);
    const prefix = text.slice(0, keyLengthMin);
    const lengths = this.#lengthsByPrefix.get(prefix) ?? new Set();
    this.#lengthsByPrefix.set(prefix, lengths.add(text.length));
  }
}

function spellings(text: string): readonly string[] {
  if (text.length > shownLengthMax) return [];
  const bytes = Buffer.from(text, "utf8");
  return [
    text,
    encodeURIComponent(text.toWellFormed()),
    JSON.stringify(text).slice(1, -1),
    bytes.toString("base64").replace(/={1,2}$/, ""),
    bytes.toString("base64url"),
  ];
}
