/** `*` is any text and `?` one character, as in IAM; actions are written in any case. */
export function matches(text: string, pattern: string): boolean {
  const literal = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${literal}$`, "i").test(text);
}

/** Whether some text matches both patterns. */
export function overlaps(one: string, other: string): boolean {
  const seen = new Map<number, boolean>();
  const width = other.length + 1;
  return from(0, 0);

  function from(i: number, j: number): boolean {
    const key = i * width + j;
    const known = seen.get(key);
    if (known !== undefined) return known;
    const answer = ask(i, j);
    seen.set(key, answer);
    return answer;
  }

  function ask(i: number, j: number): boolean {
    const [a, b] = [one[i], other[j]];
    if (a === undefined && b === undefined) return true;
    if (a === "*") return from(i + 1, j) || (b !== undefined && from(i, j + 1));
    if (b === "*") return from(i, j + 1) || (a !== undefined && from(i + 1, j));
    if (a === undefined || b === undefined) return false;
    return (a === b || a === "?" || b === "?") && from(i + 1, j + 1);
  }
}
