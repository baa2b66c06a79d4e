import { opensAtMs } from "../../core/calendar.ts";
import type { Policy } from "../../core/policy.ts";
import { type Predecessor, type PromotionView, whyNotPromote } from "../../core/rotation/gate.ts";
import { refusalText } from "../../core/rotation/refusal.ts";
import type { SecretRecord } from "../../core/rotation/secret-record.ts";
import { localTimeIn } from "../../events/zone-time.ts";
import type { Deps } from "../deps.ts";
import { stopFor } from "./stop-order.ts";

type Known = Pick<Deps, "ledger">;

export interface PromotionGate {
  /** Every reason not to promote yet, each in one line. */
  readonly blockers: readonly string[];
  readonly decision: string;
  readonly view: PromotionView;
}

interface PromotionQuestion {
  readonly policy: Policy;
  readonly record: SecretRecord;
  readonly nowMs: number;
}

/** The answer from what is stored. The check, the promotion and each arriving order use it. */
export async function askPromotion(question: PromotionQuestion, deps: Known): Promise<PromotionGate> {
  const { policy, record, nowMs } = question;
  const stop = await stopFor(policy, deps);
  const before = await predecessorOf(policy, deps);
  const view: PromotionView = {
    ...{ record, policy, nowMs, ...openingOf(policy, nowMs) },
    ...(stop && { stop: stop.detail }),
    ...(before && { before }),
  };
  const blockers = whyNotPromote(view).map(refusalText);
  return {
    blockers,
    decision: blockers.length === 0 ? "promote" : `promotion: ${blockers.join("; ")}`,
    view,
  };
}

/** As part of a gate's facts. */
export function openingOf(
  { windows }: Pick<Policy, "windows">,
  nowMs: number,
): { readonly opensAtMs?: number } {
  const opensAt = opensAtMs(windows, { nowMs, localTime: localTimeIn });
  return opensAt === undefined ? {} : { opensAtMs: opensAt };
}

async function predecessorOf({ after }: Policy, { ledger }: Known): Promise<Predecessor | undefined> {
  if (after === undefined) return undefined;
  const named = (await ledger.policies()).find(({ environment, name }) => `${environment}/${name}` === after);
  if (named === undefined) return {};
  const runs = (await ledger.rotations(named.secretArn)).filter(({ outcome }) => outcome !== "skipped");
  const last = runs.toSorted((one, other) => one.openedAtMs - other.openedAtMs).at(-1);
  return last === undefined ? {} : { last };
}
