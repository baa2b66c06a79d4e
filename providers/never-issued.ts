import { createHash } from "node:crypto";
import { Secret } from "../core/secret.ts";
import type { Alphabet, KeyText } from "./key-text.ts";
import type { ProviderKind } from "./provider.ts";

/**
 * The key that the control of a proof of death is made with: of the form that the provider states, else of the form
 * of the refused key. A provider can answer a text of another form differently, and then it would be no control.
 */
export function neverIssuedBy(
  { neverIssued, keyTexts }: Pick<ProviderKind, "neverIssued" | "keyTexts">,
  settings: unknown,
): (like: Secret) => Secret {
  return (like) => {
    const stated = typeof neverIssued === "function" ? neverIssued(settings) : neverIssued;
    const [form] = keyTexts;
    if (stated !== undefined) return new Secret(stated);
    return form === undefined ? neverIssuedLike(like) : new Secret(madeUp(form));
  };
}

const lettersOf: Readonly<Record<Alphabet, string>> = {
  digits: "00",
  hex: "fa4e0000",
  lowercase: "fakeneverissued",
  uppercase: "FAKENEVERISSUED",
  letters: "FAKEneverIssued",
  base64: "FAKEneverIssued",
  base64url: "FAKEneverIssued",
  dotted: "FAKEneverIssued",
};

/** A key of the issuer's form, and obviously fake. */
function madeUp({ prefix, alphabet, length, holds = "" }: KeyText): string {
  const letters = lettersOf[alphabet];
  return `${prefix}${holds}${letters.repeat(Math.ceil(length.min / letters.length)).slice(holds.length, length.min)}`;
}

const replacedMax = 24;
const kinds = ["0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"];

/** The last letters and digits are others, taken from a hash: the same at each call, so a repeat asks nothing new. */
function neverIssuedLike(secret: Secret): Secret {
  const digest = createHash("sha256").update("rekey never issued ").update(secret.reveal()).digest();
  let replaced = 0;
  const characters = [...secret.reveal()].reverse().map((character) => {
    const kind = kinds.find((each) => each.includes(character));
    if (kind === undefined || replaced >= replacedMax) return character;
    const next = kind[(digest[replaced] ?? 0) % kind.length] ?? character;
    replaced += 1;
    return next;
  });
  return new Secret(characters.reverse().join(""));
}
