import {
  type ContainedUnseen,
  countUnseen,
  isExact,
  mayContain,
  senderLimit,
} from "../../core/incident/plan.ts";
import type { Deps } from "../deps.ts";
import type { Raising } from "./new-incident.ts";

/**
 * Whether this alert may not cut consumers off by itself: its sender has had enough keys contained within an hour, or
 * this secret is not one of its own. The key is replaced and contained all the same, after its consumers moved.
 */
export async function isOverLimit(
  { arrived, key }: Raising,
  subject: string,
  deps: Pick<Deps, "ledger" | "intakeLimits">,
): Promise<boolean> {
  const { alert, intake, receivedAtMs, principal } = arrived;
  if (principal !== undefined || alert.test || alert.exposure !== "public" || !isExact(key.match.by))
    return false;
  const limit = deps.intakeLimits?.[intake] ?? senderLimit;
  const held = await Promise.all(key.holders.map(({ secretArn }) => deps.ledger.policy(secretArn)));
  if (!held.every((policy) => policy === undefined || mayContain(limit, policy))) return true;
  let isOver = false;
  const place = { kind: "INCIDENT", id: "breaker", sort: `contained/${intake}` };
  await deps.ledger.documents.change<ContainedUnseen>(place, (stored) => {
    const next = countUnseen(stored, { subject, atMs: receivedAtMs, limit });
    isOver = next.isOver;
    return next.counted;
  });
  return isOver;
}
