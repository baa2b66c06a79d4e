/** One at a time, a hundred consumers would outlast the function; all at once, they would be throttled. */
export const consumersAtOnceMax = 10;

/** Processes the items with at most `atOnceMax` at a time. The answers are in the order of the items. */
export async function together<Item, Answer>(
  items: readonly Item[],
  { atOnceMax, work }: { readonly atOnceMax: number; readonly work: (item: Item) => Promise<Answer> },
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  const waiting = [...items.entries()];
  async function worker(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      answers[next[0]] = await work(next[1]);
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnceMax, items.length) }, worker));
  return answers;
}
