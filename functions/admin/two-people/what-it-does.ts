import { copiesOf } from "../../../core/copies/declared.ts";
import {
  isGrave,
  undoableKeys,
  whyNotSwitchFirst,
  whyNotUndoQuarantine,
} from "../../../core/incident/orders.ts";
import { isSettled } from "../../../core/incident/plan.ts";
import type { IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { refOf } from "../../../core/incident/transitions.ts";
import { utcText } from "../../../core/utc.ts";
import type { AdminDeps } from "../../deps.ts";
import { goneInstance } from "../gone-instance.ts";
import { whichSecret } from "../which-secret.ts";
import type { Given, What } from "./what.ts";

/** For an order that is always asked: its own fields, and nothing more to look up. */
export function fields(...names: readonly string[]): (given: Given) => Promise<What> {
  return async (given) =>
    Object.fromEntries(
      names.filter((name) => given[name] !== undefined).map((name) => [name, textOf(given[name])]),
    );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export async function waiving(given: Given, deps: AdminDeps): Promise<What | undefined> {
  const record = await deps.ledger.incidents.incident(textOf(given["incident"]));
  if (record === undefined) return undefined;
  const open = record.keys.filter((key) => !isSettled(key));
  const named = given["key"] === undefined ? open : record.keys.filter((key) => refOf(key) === given["key"]);
  return {
    order: "waive: Rekey stops working on a key that is not proven dead",
    incident: record.incidentId,
    keys: named.map(standing).join("; ") || "none is open",
    reported: reported(record.alerts),
    reason: textOf(given["reason"]),
  };
}

/** A suspicion that nobody confirmed may be withdrawn by one person; what is public or verified may not. */
export async function declaringFalseAlarm(given: Given, deps: AdminDeps): Promise<What | undefined> {
  const record = await graveIncident(given, deps);
  if (record === undefined) return undefined;
  return sparing("false alarm: the incident ends, and its keys stay alive", { record, given });
}

/** A key that leaked for all to see works again, and whoever has it may use it. */
export async function undoingQuarantine(given: Given, deps: AdminDeps): Promise<What | undefined> {
  const record = await graveIncident(given, deps);
  if (record === undefined || whyNotUndoQuarantine(record) !== undefined) return undefined;
  const keys = undoableKeys(record);
  return sparing("undo the quarantine: a leaked key works again", { record, given, keys });
}

/** The leaked key stays alive for as long as its consumers take. */
export async function switchingFirst(given: Given, deps: AdminDeps): Promise<What | undefined> {
  const record = await graveIncident(given, deps);
  if (record === undefined || whyNotSwitchFirst(record) !== undefined) return undefined;
  return sparing("switch first: a leaked key stays alive until its consumers have moved", { record, given });
}

async function graveIncident(given: Given, deps: AdminDeps): Promise<IncidentRecord | undefined> {
  const record = await deps.ledger.incidents.incident(textOf(given["incident"]));
  return record !== undefined && isGrave(record) ? record : undefined;
}

function sparing(
  order: string,
  {
    record,
    given,
    keys = record.keys,
  }: { readonly record: IncidentRecord; readonly given: Given; readonly keys?: readonly KeyInScope[] },
): What {
  return {
    ...{ order, incident: record.incidentId, keys: keys.map(standing).join("; ") || "none" },
    ...{ reported: reported(record.alerts), reason: textOf(given["reason"]) },
  };
}

/** Rekey set the freeze because somebody changed the current version; without it, it may revoke again. */
export async function unfreezing(given: Given, deps: AdminDeps): Promise<What | undefined> {
  if (given["unfreeze"] !== true) return undefined;
  const found = await whichSecret(textOf(given["secret"]), deps);
  if ("refusal" in found) return undefined;
  const { secretArn, name } = found.policy;
  const { frozen } = await deps.ledger.secret(secretArn);
  if (frozen === undefined) return undefined;
  return {
    order: "lift a freeze: Rekey rotates and revokes again, with what is current now",
    ...{ secret: name, frozenBecause: frozen.reason },
  };
}

/** What somebody else put there is lost for good. */
export async function overwriting(given: Given, deps: AdminDeps): Promise<What | undefined> {
  const found = await whichSecret(textOf(given["secret"]), deps);
  if ("refusal" in found) return undefined;
  const { policy } = found;
  const copies = copiesOf(policy).filter(({ to }) => to === given["destination"]);
  if (copies.length === 0) return undefined;
  return {
    order: "overwrite: the next write replaces what somebody else put there",
    ...{ secret: policy.name, destination: textOf(given["destination"]) },
    ...{ names: copies.map(({ as }) => as).join(", "), reason: textOf(given["reason"]) },
  };
}

function standing(key: KeyInScope): string {
  const seen = key.probes === 0 ? "not probed yet" : `${key.refusals} refusals in a row`;
  return `${refOf(key)} (${key.state}, ${seen})`;
}

function reported(alerts: readonly { readonly exposure: string; readonly verified: string }[]): string {
  const said = alerts.map(({ exposure, verified }) => `${exposure}, ${verified}`);
  return [...new Set(said)].join("; ") || "by nobody";
}

export async function stopping(given: Given): Promise<What | undefined> {
  if (given["alone"] === true) return undefined;
  if (given["includingIncidents"] !== true && given["untilLifted"] !== true) return undefined;
  const names = ["all", "provider", "environment", "secret"];
  const scope = names.find((name) => given[name] !== undefined) ?? "nothing";
  return {
    order: given["includingIncidents"] === true ? "stop, also the containment of leaked keys" : "stop",
    covers: scope === "all" ? "every secret" : `${scope} ${textOf(given[scope])}`,
    until: "somebody lifts it",
    reason: textOf(given["reason"]),
  };
}

/** Part of the order is what it finds now, so a report that comes before the approval makes it another order. */
export async function forgetting(given: Given, deps: AdminDeps): Promise<What | undefined> {
  const { secret, instance, reason } = given;
  const asked = { secret: textOf(secret), instance: textOf(instance), nowMs: deps.clock.nowMs() };
  const found = await goneInstance({ ...asked, ...narrowed(given) }, deps);
  if ("outcome" in found) return undefined;
  const { item, untilMs } = found;
  return {
    order: "forget: the revoke no longer waits for this instance, which may still hold the retiring key",
    ...{ secret: found.policy.name, consumer: item.consumer, environment: item.environment },
    ...{ instance: item.instance, lastReport: utcText(item.observedAtMs), blocksUntil: utcText(untilMs) },
    reason: textOf(reason),
  };
}

function narrowed({ consumer, environment }: Given) {
  return {
    ...(consumer !== undefined && { consumer: textOf(consumer) }),
    ...(environment !== undefined && { environment: textOf(environment) }),
  };
}

export const attesting = fields("secret", "consumer", "environment");
export const leaving = fields("secret", "leaveKeys", "reason");
