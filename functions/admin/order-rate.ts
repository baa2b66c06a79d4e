import type { AdminDeps } from "../deps.ts";
import { type RefusedAnswer, refused } from "./command.ts";

/** Of one principal. More is a script that went wrong, or one that looks for a gap. */
export const ordersPerMinuteMax = 120;

/** What makes something safer is never refused for being too much. */
const urgent: ReadonlySet<string> = new Set([
  ...[
    "hold",
    "stop",
    "compromise",
    "campaign",
    "campaign-pause",
    "incident-contain-now",
    "incident-escalate",
    "incident-ack",
  ],
]);

const minuteMs = 60_000;

interface Minute {
  readonly minute: number;
  readonly orders: number;
}

export async function whyTooMany(
  { name, principal, atMs }: { readonly name: string; readonly principal: string; readonly atMs: number },
  { ledger }: Pick<AdminDeps, "ledger">,
): Promise<RefusedAnswer | undefined> {
  if (urgent.has(name)) return undefined;
  const minute = Math.floor(atMs / minuteMs);
  const { orders } = await ledger.documents.change<Minute>(
    { kind: "ORDER", id: "per-minute", sort: principal.slice(0, 512) },
    (stored) => ({ minute, orders: stored?.minute === minute ? stored.orders + 1 : 1 }),
    { forgetAtMs: atMs + 60 * minuteMs },
  );
  if (orders <= ordersPerMinuteMax) return undefined;
  const detail = `${principal} gave more than ${ordersPerMinuteMax} orders within a minute`;
  return refused({ reason: "TooManyOrders", detail, hint: "try again in a minute" });
}
