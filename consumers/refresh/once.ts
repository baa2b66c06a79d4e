import type { RefreshAnswer, RefreshOrder, RefreshPlace } from "../ports.ts";

/** The key under which a refresh is remembered. Refreshes without a target use their kind. */
export function placeOf({ consumer, secretArn, versionId }: RefreshOrder): RefreshPlace {
  const { name, environment, refresh } = consumer;
  return { secretArn, environment, consumer: name, versionId, target: refresh.target ?? refresh.kind };
}

/**
 * Does the work once for each version. It is remembered after the work, so a crash in between repeats it; the
 * receiver recognises the repeat by the version's id.
 */
export async function once(
  order: RefreshOrder,
  work: () => Promise<{ readonly started: string; readonly detail: string }>,
): Promise<RefreshAnswer> {
  const place = placeOf(order);
  const note = await order.memory.recall(place);
  if (note?.started !== undefined) {
    return { outcome: "nothingToDo", detail: `already done for this version: ${note.started}` };
  }
  const { started, detail } = await work();
  await order.memory.remember(place, { before: [], firstSeenAtMs: order.nowMs, ...note, started });
  return { outcome: "started", detail };
}

/** The message to a consumer: ids only. */
export function newsOf({ secretArn, versionId, rotationId, consumer }: RefreshOrder) {
  const { name, environment } = consumer;
  return { type: "SecretVersionPromoted", secretArn, versionId, rotationId, consumer: name, environment };
}
