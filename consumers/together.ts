/** A hundred consumers, one at a time, would outlast the function; all at once, they would be throttled. */
const atOnceMax = 10;

/** The answers in the order of the items. */
export async function together<Item, Answer>(
  items: readonly Item[],
  work: (item: Item) => Promise<Answer>,
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (let from = 0; from < items.length; from += atOnceMax) {
    answers.push(...(await Promise.all(items.slice(from, from + atOnceMax).map(work))));
  }
  return answers;
}
