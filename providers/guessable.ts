import type { Secret } from "../core/secret.ts";

const randomRun = /[A-Za-z0-9_-]{32,}/g;
const differentMin = 18;
const ofEachCaseMin = 5;

/**
 * The ledger knows keys by their SHA-256. Of a text that can be guessed, that would tell whoever reads the ledger when
 * a guess is right. 32 random characters in the text act as the hash's own secret key: without them no guess can be tried.
 */
export function whyGuessable(secret: Secret): string | undefined {
  if ((secret.reveal().match(randomRun) ?? []).some(looksRandom)) return undefined;
  return "the secret's value has no 32 random letters and digits in a row, so its fingerprint would help to guess it";
}

/** Words that were joined have fewer different characters, and few of them are capitals. */
function looksRandom(run: string): boolean {
  const count = (kind: RegExp) => (run.match(kind) ?? []).length;
  return (
    new Set(run).size >= differentMin && count(/[A-Z]/g) >= ofEachCaseMin && count(/[a-z]/g) >= ofEachCaseMin
  );
}
