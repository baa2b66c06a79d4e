import { clockFrom } from "../../../core/incident/plan.ts";
import type { IncidentRecord } from "../../../core/incident/record.ts";
import type { AdminDeps } from "../../deps.ts";
import type { Caller } from "../command.ts";
import type { Leak } from "./target.ts";

interface Parent {
  readonly parentId: string;
  readonly title: string;
  readonly leaks: readonly Leak[];
  readonly input: { readonly reason: string; readonly exposure: "public" | "private" | "unknown" };
  readonly caller: Caller;
}

/**
 * The checklist of keys that leaked together. It is written before the first of them is reported, so that it
 * shows what is missing if reporting is interrupted. Each key has an incident of its own; no machine runs for
 * the checklist.
 */
export async function openParent(parent: Parent, deps: AdminDeps): Promise<IncidentRecord> {
  const { parentId, title, leaks, input, caller } = parent;
  const { atMs, principal } = caller;
  const clock = clockFrom({ receivedAtMs: atMs });
  const match = { by: "none" as const, text: title };
  return deps.ledger.incidents.reportIncident({
    ...{ incidentId: parentId, subject: `parent/${title}`, match, receivedAtMs: atMs, ...clock },
    ...{ status: "open", seq: 1, starts: 0, test: false },
    checklist: leaks.flatMap(({ policy }) =>
      policy === undefined ? [] : [{ title: policy.name, secretArn: policy.secretArn }],
    ),
    ...{ plan: "person", planWhy: "each key of the checklist has a plan of its own" },
    ...{ openedAtMs: atMs, escalateAtMs: clock.deadlineAtMs },
    ...{ keys: [], secrets: [] },
    alerts: [
      {
        ...{ source: "person", sourceId: parentId, principal, receivedAtMs: atMs, match, where: [] },
        ...{ exposure: input.exposure, verified: "unknown" },
      },
    ],
    timeline: [{ atMs, what: "opened", detail: `${title}: ${input.reason}`, by: principal }],
    ...{ notes: [], pages: [], waits: [], reports: [] },
  });
}
