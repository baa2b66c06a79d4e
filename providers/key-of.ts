import { SecretUnusable } from "../core/errors.ts";
import type { Secret } from "../core/secret.ts";
import { whyGuessable } from "./guessable.ts";
import { issuerOf, issuers } from "./index.ts";
import { isKeyText } from "./key-text.ts";
import type { Issuer } from "./provider.ts";

/**
 * Refuses a value that does not look like a key of its issuer, and says whose it looks like: a database password in
 * the wrong secret would be overwritten by the first rotation. Issuers whose keys look like any text accept all.
 */
export function assertKeyOf(kind: string, secret: Secret): void {
  const issuer = issuerOf(kind);
  const text = secret.reveal();
  assertMayBeKept(kind, secret);
  if (issuer === undefined || issuer.keyTexts.length === 0 || looksLike(text, issuer.keyTexts)) return;
  const other = issuers.find(({ keyTexts }) => isKeyText(text, keyTexts));
  const looks = other === undefined ? "another kind of text" : `a key of ${other.title}`;
  throw new SecretUnusable(
    `the secret's value does not look like a key of ${issuer.title} but like ${looks}`,
  );
}

/** A pair is stored with a colon between its halves, of which one may look like any other text. */
function looksLike(text: string, keyTexts: Issuer["keyTexts"]): boolean {
  const halves = text.split(":");
  return (
    isKeyText(text, keyTexts) || (halves.length === 2 && halves.some((half) => isKeyText(half, keyTexts)))
  );
}

/** Refuses a text whose fingerprint would help whoever reads the ledger to guess it. */
export function assertMayBeKept(kind: string, secret: Secret): void {
  const why = issuerOf(kind)?.areChosen === true ? whyGuessable(secret) : undefined;
  if (why !== undefined) throw new SecretUnusable(why);
}
