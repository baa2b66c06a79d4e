const plain = /^[A-Za-z0-9_./:@%+=][A-Za-z0-9_./:@%+=-]*$/;
/** Control characters, and those that turn the direction of text or take no room. */
const deceptive = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\p{Co}\p{Cn}]/u;

/**
 * A command as it can be pasted into a POSIX shell. Undefined if a word could deceive the reader or be taken for an
 * option: then there is no command that is safe to paste.
 */
export function commandLine(words: readonly string[]): string | undefined {
  if (words.some((word) => deceptive.test(word) || word === "")) return undefined;
  const [, ...rest] = words;
  if (rest.some((word) => word.startsWith("-") && !/^--[a-z-]+$/.test(word))) return undefined;
  return words.map((word) => (plain.test(word) || /^--[a-z-]+$/.test(word) ? word : quoted(word))).join(" ");
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** A secret by its name, or by its reference where the name is not fit for a command line. */
export function commandFor(
  words: readonly string[],
  { name, secretArn }: { readonly name: string; readonly secretArn: string },
): string | undefined {
  const isFit = /^[\w.-]{1,64}$/.test(name) && !name.startsWith("-");
  return commandLine([...words, isFit ? name : secretArn]);
}
