import * as z from "zod";
import { containNow, whyNotContainNow } from "../../../core/incident/orders.ts";
import { isRekeysOwn, isSettled } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { refOf } from "../../../core/incident/transitions.ts";
import type { AdminDeps } from "../../deps.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { lookedUp } from "../../incident/takeover/take-secrets.ts";
import { adminCommand } from "../command.ts";
import { auditOrder, goOnWith, orderShape, refusedBy, whichToOrder, wordOf } from "./which-incident.ts";

/** Containment waits for nothing any more. A person may order this for an inexact match too. */
export const incidentContainNow = adminCommand({
  input: z.strictObject({ command: z.literal("incident-contain-now"), ...orderShape }),
  run: async ({ input, caller }, deps) => {
    const found = await whichToOrder(input, deps);
    if ("refusal" in found) return found.refusal;
    const reached = new Map(await Promise.all(found.record.keys.map((key) => reach(key, deps))));
    const withReach = (record: IncidentRecord): IncidentRecord => ({
      ...record,
      keys: record.keys.map((key) => withPolicyOf(key, reached.get(refOf(key)))),
    });
    const refusal = whyNotContainNow(withReach(found.record));
    if (refusal) return refusedBy(refusal);
    const word = wordOf(caller, input.reason);
    const record = await changeIncident(
      input.incident,
      (now) => (whyNotContainNow(withReach(now)) ? now : containNow(withReach(now), word)),
      deps,
    );
    const detail = { reason: input.reason, ...(caller.alone && { alone: "true" }) };
    await auditOrder({ record, caller, action: "ContainmentOrdered", detail }, deps);
    return {
      outcome: "ordered",
      incidentId: record.incidentId,
      machine: await goOnWith(record, caller, deps),
    };
  },
});

type Reached = Pick<KeyInScope, "account" | "secretArn">;

/**
 * The policy by which the provider can be called now: it may have been added or removed since the incident
 * opened.
 */
async function reach(key: KeyInScope, deps: AdminDeps): Promise<readonly [string, Reached]> {
  const isPolicyThere =
    key.secretArn !== undefined && (await deps.ledger.policy(key.secretArn)) !== undefined;
  if (isSettled(key) || isRekeysOwn(key) || isPolicyThere) return [refOf(key), key];
  const { secretArn: _gone, ...rest } = key;
  return [refOf(key), await lookedUp(rest, deps)];
}

function withPolicyOf(key: KeyInScope, reached: Reached | undefined): KeyInScope {
  if (reached === undefined) return key;
  const { secretArn: _gone, ...rest } = key;
  const { account, secretArn } = reached;
  return {
    ...rest,
    ...(account !== undefined && { account }),
    ...(secretArn !== undefined && { secretArn }),
  };
}
