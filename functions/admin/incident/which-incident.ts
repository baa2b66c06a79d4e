import { deploymentChain } from "../../../audit/chain.ts";
import type { PersonRefusal } from "../../../core/incident/orders.ts";
import type { IncidentRecord, PersonsOrder } from "../../../core/incident/record.ts";
import { mayOpen, settled } from "../../../core/incident/transitions.ts";
import { nearest } from "../../../core/nearest.ts";
import type { Ledger } from "../../../ledger/ledger.ts";
import type { AdminDeps } from "../../deps.ts";
import { changeIncident } from "../../incident/record/change.ts";
import { startIncident } from "../../incident/record/start.ts";
import { incidentIdText } from "../../incident/record/step-input.ts";
import { whyEnded } from "../../upkeep/sweep-incident.ts";
import { type Caller, type RefusedAnswer, refused } from "../command.ts";
import { reasonText } from "../inputs.ts";

/** The fields of every order about one incident. */
export const orderShape = { incident: incidentIdText, reason: reasonText };

export async function whichIncident(
  named: string,
  { ledger }: { readonly ledger: Pick<Ledger, "incidents"> },
): Promise<{ readonly record: IncidentRecord } | { readonly refusal: RefusedAnswer }> {
  const record = await ledger.incidents.incident(named);
  if (record !== undefined) return { record };
  const known = await ledger.incidents.incidents();
  const meant = nearest(
    named,
    known.map(({ incidentId }) => incidentId),
  );
  const hint =
    meant === undefined ? "see what there is with `rekey incident list --all`" : `did you mean ${meant}?`;
  return { refusal: refused({ reason: "UnknownIncident", detail: `there is no incident ${named}`, hint }) };
}

/**
 * The incident of an order about its keys. A checklist has no keys of its own: the refusal names the
 * incidents to order instead.
 */
export async function whichToOrder(
  { command, incident: named }: { readonly command: `incident-${string}`; readonly incident: string },
  deps: { readonly ledger: Pick<Ledger, "incidents"> },
): Promise<{ readonly record: IncidentRecord } | { readonly refusal: RefusedAnswer }> {
  const found = await whichIncident(named, deps);
  if ("refusal" in found || found.record.checklist.length === 0) return found;
  const listed = new Set(found.record.checklist.map(({ incidentId }) => incidentId));
  const open = await deps.ledger.incidents.openIncidents();
  const children = open.filter(({ incidentId }) => listed.has(incidentId)).slice(0, childrenShownMax);
  const detail = `${named} is a checklist: each of its keys has an incident of its own`;
  const order = command.replace("-", " ");
  const hint =
    children.length === 0
      ? `none of them is open: see \`rekey incident show ${named}\``
      : children.map(({ incidentId }) => `\`rekey ${order} ${incidentId} --reason '...'\``).join(", ");
  return { refusal: refused({ reason: "IsChecklist", detail, hint }) };
}

const childrenShownMax = 20;

export function wordOf({ principal, atMs, approvedBy, alone }: Caller, reason: string): PersonsOrder {
  return {
    by: principal,
    reason,
    atMs,
    ...(approvedBy !== undefined && { approvedBy }),
    ...(alone && { alone }),
  };
}

export function refusedBy(refusal: PersonRefusal): RefusedAnswer {
  return refused(refusal);
}

/** Written to the log of every secret in scope, or to the deployment's log if there is none. */
export async function auditOrder(
  order: {
    readonly record: IncidentRecord;
    readonly caller: Caller;
    readonly action: string;
    readonly detail: Readonly<Record<string, string>>;
  },
  deps: Pick<AdminDeps, "audit">,
): Promise<void> {
  const { record, caller, action, detail } = order;
  const { incidentId, secrets } = record;
  const chains = secrets.length === 0 ? [deploymentChain] : secrets.map(({ secretArn }) => secretArn);
  for (const chain of new Set(chains)) {
    await deps.audit.append(chain, {
      id: `${caller.requestId}/${action}`,
      atMs: caller.atMs,
      actor: caller.principal,
      action,
      detail: { incidentId, ...detail },
    });
  }
}

/**
 * An execution that ended has left the incident to people. Now that one of them has decided, it is started
 * again. If the execution died without a status event, that is noticed here, so that the person is not told
 * that it is at work.
 */
export async function goOnWith(
  record: IncidentRecord,
  { atMs }: Caller,
  deps: AdminDeps,
): Promise<"atWork" | "started"> {
  const left = await leftByMachine(record, { atMs }, deps);
  if (left.status !== "needsPerson" && left.status !== "reported") return "atWork";
  await startIncident(left, deps);
  return "started";
}

async function leftByMachine(
  record: IncidentRecord,
  { atMs }: Pick<Caller, "atMs">,
  deps: AdminDeps,
): Promise<IncidentRecord> {
  const { executionArn, incidentId } = record;
  if (executionArn === undefined || !mayOpen(record, executionArn)) return record;
  const reason = await whyEnded(executionArn, deps);
  if (reason === undefined) return record;
  return changeIncident(incidentId, (now) => settled(now, { executionArn, reason, atMs }), deps);
}
