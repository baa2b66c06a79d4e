const wordLengthMax = 64;
const editsMax = 3;

/** The candidate that was probably meant; undefined if none is close. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length > wordLengthMax) return undefined;
  const meant = word.toLowerCase();
  const budget = Math.min(editsMax, Math.floor(word.length / 2));
  for (let edits = 0; edits <= budget; edits += 1) {
    const found = candidates.find((candidate) => isWithin(edits, meant, candidate.toLowerCase()));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Whether at most `edits` insertions, deletions and replacements of one character turn `from` into `to`. */
function isWithin(edits: number, from: string, to: string): boolean {
  if (from === to) return true;
  if (edits === 0 || Math.abs(from.length - to.length) > edits) return false;
  const same = sharedStart(from, to);
  const [left, right] = [from.slice(same), to.slice(same)];
  return (
    isWithin(edits - 1, left.slice(1), right.slice(1)) ||
    isWithin(edits - 1, left.slice(1), right) ||
    isWithin(edits - 1, left, right.slice(1))
  );
}

function sharedStart(left: string, right: string): number {
  const letters = left.split("");
  const differs = letters.findIndex((letter, at) => letter !== right.charAt(at));
  return differs < 0 ? letters.length : differs;
}
