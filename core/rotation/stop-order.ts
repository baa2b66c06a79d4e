import type { Policy } from "../policy.ts";
import type { Refusal } from "./refusal.ts";
import type { SecretRecord } from "./secret-record.ts";

/** A `rekey stop`: while it stands, nothing that it covers is minted, promoted, quarantined or revoked. */
export interface StopOrder {
  /** `all`, `provider/<account>`, `environment/<name>` or a secret's ARN. */
  readonly scope: string;
  readonly by: string;
  readonly reason: string;
  /** Without it, containment of a leaked key goes on, and so does the replacement that it waits for. */
  readonly includingIncidents: boolean;
  /** One person ordered it alone: the sweep lifts it after this. */
  readonly untilMs?: number;
  readonly approvedBy?: string;
}

export interface StopQuestion {
  readonly policy: Pick<Policy, "secretArn" | "environment" | "provider">;
  /** The work is an incident's. */
  readonly isIncident: boolean;
}

/** The first order that stops this work. */
export function whyStopped(
  orders: readonly StopOrder[],
  { policy, isIncident }: StopQuestion,
): Refusal<"Stopped"> | undefined {
  const order = orders.find((each) => covers(each, policy) && (!isIncident || each.includingIncidents));
  return order && { reason: "Stopped", detail: `stopped for ${order.scope} by ${order.by}: ${order.reason}` };
}

export function covers({ scope }: StopOrder, policy: StopQuestion["policy"]): boolean {
  return (
    scope === "all" ||
    scope === policy.secretArn ||
    scope === `provider/${policy.provider.account}` ||
    scope === `environment/${policy.environment}`
  );
}

/** Whether the run that holds this secret is an incident's. */
export function isIncidentWork({ lease }: Pick<SecretRecord, "lease">): boolean {
  return lease?.kind === "incident";
}
