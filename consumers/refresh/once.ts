import type { RefreshAnswer, RefreshOrder, RefreshPlace } from "../ports.ts";

/** What a refresh is remembered by; those without a target are remembered by their kind. */
export function placeOf({ consumer, secretArn, versionId }: RefreshOrder): RefreshPlace {
  const { name, environment, refresh } = consumer;
  return { secretArn, environment, consumer: name, versionId, target: refresh.target ?? refresh.kind };
}

/**
 * Does the work once for one version. It is remembered after it was done: after a crash in between it is done
 * again, which whoever is told sees by the version's id.
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

/** What a consumer is told: ids only. */
export function newsOf({ secretArn, versionId, rotationId, consumer }: RefreshOrder) {
  const { name, environment } = consumer;
  return { type: "SecretVersionPromoted", secretArn, versionId, rotationId, consumer: name, environment };
}
