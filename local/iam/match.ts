/** What is known of a request, by condition key in lower case. A key that is not there was not sent. */
export type Context = Readonly<Record<string, string | readonly string[]>>;

/** `*` is any run of characters, also none, and `?` exactly one. Linear in both texts. */
export function matchesText(text: string, pattern: string): boolean {
  let at = 0;
  let from = 0;
  let star = -1;
  let retry = 0;
  while (at < text.length) {
    if (from < pattern.length && pattern[from] === "*") {
      star = from;
      retry = at;
      from += 1;
    } else if (from < pattern.length && (pattern[from] === "?" || pattern[from] === text[at])) {
      at += 1;
      from += 1;
    } else if (star >= 0) {
      from = star + 1;
      retry += 1;
      at = retry;
    } else {
      return false;
    }
  }
  return [...pattern.slice(from)].every((rest) => rest === "*");
}

/** Six parts divided by colons, each with wildcards of its own; the last one runs over colons. */
export function matchesArn(text: string, pattern: string): boolean {
  if (pattern === "*") return true;
  const actual = partsOf(text);
  const expected = partsOf(pattern);
  return (
    actual.length === expected.length &&
    actual.every((part, index) => matchesText(part, expected[index] ?? ""))
  );
}

function partsOf(arn: string): readonly string[] {
  const parts = arn.split(":");
  return [...parts.slice(0, 5), parts.slice(5).join(":")];
}

/** "secretsmanager:Get*" and its service are matched in any case. */
export function matchesAction(action: string, pattern: string): boolean {
  return matchesText(action.toLowerCase(), pattern.toLowerCase());
}

/**
 * Replaces `${aws:PrincipalTag/team}` by what the request says, and `${*}`, `${?}`, `${$}` by the character.
 * Undefined when the request does not say it and there is no default: such a value matches nothing.
 */
export function withVariables(value: string, context: Context): string | undefined {
  let isKnown = true;
  const text = value.replaceAll(/\$\{([^}]*)\}/g, (_, inside: string) => {
    if (inside === "*" || inside === "?" || inside === "$") return inside;
    const [key = "", fallback] = inside.split(",").map((part) => part.trim());
    const known = context[key.toLowerCase()];
    if (typeof known === "string") return known;
    if (fallback !== undefined) return fallback.replaceAll(/^'|'$/g, "");
    isKnown = false;
    return "";
  });
  return isKnown ? text : undefined;
}
