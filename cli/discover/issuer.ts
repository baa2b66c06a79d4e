import { issuers } from "../../providers/index.ts";
import type { Issuer } from "../../providers/provider.ts";
import type { FoundSecret } from "./account.ts";

/** Tags whose value names an issuer. */
const tagsRead = ["rekey:provider", "rekey-provider", "provider", "issuer", "vendor"];

/** Who issued the key, by the secret's tags, else by words of its name; undefined if they name nobody, or two. */
export function issuerBy({ name, tags }: Pick<FoundSecret, "name" | "tags">): Issuer | undefined {
  for (const tag of tagsRead) {
    const value = Object.entries(tags).find(([key]) => key.toLowerCase() === tag)?.[1];
    const tagged =
      value === undefined ? undefined : issuers.find((issuer) => isNamed(issuer, wordsOf(value)));
    if (tagged !== undefined) return tagged;
  }
  const words = wordsOf(name);
  const named = issuers.filter((issuer) => !isDeclaredInFile(issuer) && isNamed(issuer, words));
  // One name can be a word of another: the longer one is meant.
  const longest = Math.max(0, ...named.map(({ kind }) => kind.length));
  const [only, other] = named.filter(({ kind }) => kind.length === longest || !isWithin(kind, named));
  return other === undefined ? only : undefined;
}

function isNamed({ kind, aliases = [] }: Issuer, words: readonly string[]): boolean {
  const text = ` ${words.join(" ")} `;
  return [kind, ...aliases].some((each) => text.includes(` ${wordsOf(each).join(" ")} `));
}

function isWithin(kind: string, named: readonly Issuer[]): boolean {
  return named.some((other) => other.kind !== kind && wordsOf(other.kind).includes(kind));
}

function wordsOf(text: string): readonly string[] {
  return text
    .slice(0, 600)
    .replaceAll(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== "");
}

/** A protocol and no issuer: whose keys these are stands in the policy file. */
function isDeclaredInFile(issuer: Issuer): boolean {
  return "neverIssued" in issuer && typeof issuer.neverIssued === "function";
}
