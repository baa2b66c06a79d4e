/** Tells what somebody generated from what somebody wrote: example values, names, references to a secret. */

const placeholder =
  /FAKE|EXAMPLE|example|placeholder|PLACEHOLDER|change.?me|CHANGE.?ME|your[-_ ]|YOUR[-_ ]|x{6}|X{6}|\*{4}|\.{3}|dummy|redacted|REDACTED/;

/** A stand-in that no issuer would accept. */
export function isPlaceholder(value: string): boolean {
  return placeholder.test(value) || bitsPerCharacter(value) < bitsMin;
}

/** `0000…`, `abcabc…` and `1234…1234` are below it; sixteen random digits of a key are above. */
const bitsMin = 2.4;

function bitsPerCharacter(text: string): number {
  const counts = new Map<string, number>();
  for (const character of text) counts.set(character, (counts.get(character) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
}

/**
 * Words have few changes between small letters, capitals and digits; generated text has many. Checked only where the
 * shape of a key is so loose that a long name of a function fits it too.
 */
export function isWordLike(value: string): boolean {
  if (!/[A-Za-z]/.test(value)) return true;
  let changes = 0;
  let pairs = 0;
  for (let at = 1; at < value.length; at += 1) {
    const [before, now] = [classOf(value.charCodeAt(at - 1)), classOf(value.charCodeAt(at))];
    if (before === undefined || now === undefined) continue;
    pairs += 1;
    if (before !== now) changes += 1;
  }
  return changes < pairs * (/[0-9]/.test(value) ? changesMin : changesMinWithoutDigits);
}

const changesMin = 0.28;
/** `aNameInCamelCase` reaches a third; generated text that happens to have no digit has about half. */
const changesMinWithoutDigits = 0.42;

function classOf(code: number): "digit" | "capital" | "small" | undefined {
  if (code >= 48 && code <= 57) return "digit";
  if (code >= 65 && code <= 90) return "capital";
  return code >= 97 && code <= 122 ? "small" : undefined;
}

const reference =
  /^(?:[$<%@!&*/~]|\{\{|arn:|https?:|op:|vault:|ssm:|env[:.]|process\.env|file:|ref\+|sm:\/\/|projects\/|secretsmanager)|\$\{|\{\{|\(/i;

/** A value that stands in the file itself, and not the name of the place where it is kept. */
export function isLiteral(value: string): boolean {
  return value.length >= literalMin && !reference.test(value);
}

export const literalMin = 12;
