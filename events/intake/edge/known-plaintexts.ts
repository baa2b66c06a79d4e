import type { Fingerprint } from "../../../core/ports.ts";
import { fingerprintOf, keyLengthMin, shownFor, variantsOf } from "../../fingerprint.ts";
import { unreadable } from "./bounded-json.ts";

/** Longer places are not shown at all: a key in one could be cut in two and stay visible. */
const shownLengthMax = 4096;
const tooLong = "[too long to show]";
/**
 * How many characters may be compared for each character that is searched, over the whole report. Input made to
 * be slow reaches this; its remaining texts are hidden instead of searched.
 */
const comparedPerCharacterMax = 64;

/** Every key in a text, as its issuer writes keys: `providers/` knows how they look. */
export type FindKeys = (text: string) => readonly string[];

/**
 * The keys in the report that is being read. Scanners repeat a key in addresses and file names, even in those
 * of another finding, so everything that leaves the report goes through `hide`.
 */
export class KnownPlaintexts {
  /** Every spelling of a key, with what is shown in its place. */
  readonly #shown = new Map<string, string>();
  readonly #lengthsByPrefix = new Map<string, Set<number>>();
  readonly #find: FindKeys;
  #searched = 0;
  #compared = 0;
  #hiddenTexts = 0;

  constructor(find: FindKeys = () => []) {
    this.#find = find;
  }

  /** How many texts held a key. */
  get hiddenTexts(): number {
    return this.#hiddenTexts;
  }

  /**
   * The key's fingerprints in every form it may have; empty if it is too short or too long to be a key, or if
   * some of its characters were unreadable.
   */
  learn(text: string): readonly Fingerprint[] {
    const variants = variantsOf(text);
    for (const variant of variants) this.#learnSpellings(variant);
    return text.includes(unreadable) ? [] : variants.map(fingerprintOf);
  }

  /** The fingerprints of the keys in a text that should hold none: somebody put a key in the wrong field. */
  learnKeysIn(text: string): readonly Fingerprint[] {
    return text.length > shownLengthMax ? [] : this.#find(text).flatMap((key) => this.learn(key));
  }

  hide(text: string): string {
    if (text.length > shownLengthMax) return tooLong;
    for (const key of this.#find(text)) if (!this.#shown.has(key)) this.learn(key);
    if (this.#shown.size === 0) return text;
    this.#searched += text.length;

    let hidden = "";
    let isHidden = false;
    for (let at = 0; at < text.length; ) {
      const key = this.#keyAt(text, at);
      if (key === undefined) return tooLong;
      isHidden ||= key !== "";
      hidden += key === "" ? text[at] : this.#shown.get(key);
      at += Math.max(key.length, 1);
    }
    if (isHidden) this.#hiddenTexts += 1;
    return hidden;
  }

  /** The longest key that begins at `at`, or none: "". Undefined if looking for it takes too long. */
  #keyAt(text: string, at: number): string | undefined {
    const lengths = this.#lengthsByPrefix.get(text.slice(at, at + keyLengthMin)) ?? [];
    let longest = "";
    for (const length of lengths) {
      if (length <= longest.length) continue;
      this.#compared += length;
      if (this.#compared > comparedPerCharacterMax * this.#searched) return undefined;
      const candidate = text.slice(at, at + length);
      if (this.#shown.has(candidate)) longest = candidate;
    }
    return longest;
  }

  #learnSpellings(key: string): void {
    if (key.length > shownLengthMax || this.#shown.has(key)) return;
    const shown = shownFor(key);
    for (const spelling of spellingsOf(key)) this.#remember(spelling, shown);
  }

  #remember(spelling: string, shown: string): void {
    if (spelling.length < keyLengthMin || spelling.length > shownLengthMax) return;
    this.#shown.set(spelling, shown);
    const prefix = spelling.slice(0, keyLengthMin);
    const lengths = this.#lengthsByPrefix.get(prefix) ?? new Set();
    this.#lengthsByPrefix.set(prefix, lengths.add(spelling.length));
  }
}

function spellingsOf(text: string): readonly string[] {
  const bytes = Buffer.from(text, "utf8");
  return [
    text,
    encodeURIComponent(text.toWellFormed()),
    JSON.stringify(text).slice(1, -1),
    bytes.toString("base64").replace(/={1,2}$/, ""),
    bytes.toString("base64url"),
  ];
}
