import { deploymentChain } from "../../audit/chain.ts";
import type { Policy } from "../../core/policy.ts";
import { covers } from "../../core/rotation/stop-order.ts";
import { isReference } from "../../stores/index.ts";
import type { Deps } from "../deps.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";

/** What one person stopped alone goes on after its time, and what waited for it is woken. */
export async function liftEndedStops(
  { policies, nowMs }: { readonly policies: readonly Policy[]; readonly nowMs: number },
  deps: Deps,
): Promise<void> {
  const ended = (await deps.ledger.stops()).filter(
    ({ untilMs }) => untilMs !== undefined && untilMs <= nowMs,
  );
  for (const stop of ended) {
    await deps.ledger.removeStop(stop.scope);
    await deps.audit.append(isReference(stop.scope) ? stop.scope : deploymentChain, {
      id: `stop-ended/${stop.scope}/${stop.untilMs}`.slice(0, idLengthMax),
      atMs: nowMs,
      actor: "rekey:sweep",
      action: "StopEnded",
      detail: { scope: stop.scope, stoppedBy: stop.by, stopReason: stop.reason },
    });
    for (const policy of policies.filter((each) => covers(stop, each)))
      await wakeIfDecided({ secretArn: policy.secretArn, nowMs }, deps);
  }
}

const idLengthMax = 200;
