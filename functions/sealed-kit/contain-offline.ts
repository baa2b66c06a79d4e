import { RotationError } from "../../core/errors.ts";
import { containNow, whyNotContainNow } from "../../core/incident/orders.ts";
import { isSettled } from "../../core/incident/plan.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { executionNameOf, refOf } from "../../core/incident/transitions.ts";
import type { SecretArn } from "../../core/ports.ts";
import type { AlertIdentity } from "../../events/alert.ts";
import { raiseAlerts } from "../alerts/raise.ts";
import { incidentSteps } from "../index.ts";
import { identifyKeys } from "../key-index/identify-key.ts";
import { withoutKeys } from "../key-index/without-keys.ts";
import type { OfflineDeps } from "./offline-deps.ts";

const { openIncident, containKey, proveContained } = incidentSteps;

/** A provider that answers nothing for longer than this is asked again by whoever repeats the command. */
const failuresMax = 10;
const retryMs = 5_000;
/** Each lap waits longer than the one before: enough for what a provider takes at most to end a key. */
const lapsMax = 2_000;

export interface OfflineOrder {
  readonly identity: AlertIdentity;
  readonly reason: string;
  /** Who opened the kit. */
  readonly by: string;
  /** Unique to the kit: the ids of two kits' incidents must never be the same. */
  readonly exportedAtMs: number;
  /** Told after each lap. */
  onLap(record: IncidentRecord): void;
}

export type Contained =
  | {
      readonly outcome: "contained" | "notContained";
      readonly incident: IncidentRecord;
      readonly why?: string;
    }
  | { readonly outcome: "refused"; readonly detail: string };

/**
 * Contains one leaked key with the steps of the machine, one after another: plan, intent, quarantine or revoke, and
 * proof. Nothing is replaced: that takes Secrets Manager, and is done when the deployment answers again.
 */
export async function containOffline(order: OfflineOrder, deps: OfflineDeps): Promise<Contained> {
  const keys = await identifyKeys(order.identity, deps);
  const known = keys.filter(({ keyId }) => keyId !== undefined);
  if (known.length === 0)
    return { outcome: "refused", detail: "the kit knows no such key, so it cannot be ended with it" };
  const incident = await open(order, deps);
  if (incident === undefined) return { outcome: "refused", detail: "no incident could be opened" };
  const refusal = whyNotContainNow(incident);
  if (refusal !== undefined) return { outcome: "refused", detail: refusal.detail };
  const { incidentId } = incident;
  const word = { by: order.by, reason: await textWithoutKeys(order.reason, deps), atMs: deps.clock.nowMs() };
  const ordered = await deps.ledger.incidents.changeIncident(incidentId, (now) => containNow(now, word));
  for (const secretArn of secretsIn(ordered))
    await deps.audit.append(secretArn, {
      id: `${incidentId}/offline`,
      ...{ atMs: word.atMs, actor: word.by, action: "OfflineContainmentOrdered" },
      detail: {
        incidentId,
        reason: word.reason,
        keyIds: ordered.keys.flatMap(({ keyId }) => keyId ?? []).join(),
      },
    });
  const whys: string[] = [];
  for (const key of ordered.keys) whys.push(...(await endKey(refOf(key), { incidentId, order }, deps)));
  const ended = (await deps.ledger.incidents.incident(incidentId)) ?? ordered;
  if (ended.keys.every(isSettled)) return { outcome: "contained", incident: ended };
  return { outcome: "notContained", incident: ended, ...(whys[0] !== undefined && { why: whys[0] }) };
}

async function textWithoutKeys(text: string, deps: OfflineDeps): Promise<string> {
  return (await withoutKeys({ text }, deps)).value.text;
}

/** The incident, opened as an alert opens one. Its secrets cannot be taken over: they are not there. */
async function open(
  { identity, reason, by, exportedAtMs }: OfflineOrder,
  deps: OfflineDeps,
): Promise<IncidentRecord | undefined> {
  const atMs = deps.clock.nowMs();
  const alert = {
    ...({ schema: 1, source: "person", exposure: "unknown", verified: "unknown", where: [] } as const),
    ...{ sourceId: `offline/${exportedAtMs}`, identity },
  };
  const told = { principal: by, reason: await textWithoutKeys(reason, deps), plan: "contain-first" as const };
  const arrived = { alert, kind: "start" as const, receivedAtMs: atMs, intake: "person", ...told };
  const [incidentId] = (await raiseAlerts(arrived, deps)).incidentIds;
  const record = incidentId && (await deps.ledger.incidents.incident(incidentId));
  if (!record) return undefined;
  const executionArn = `offline:${executionNameOf(record)}`;
  await openIncident.run({ incidentId: record.incidentId, executionArn, at: atMs }, deps);
  return deps.ledger.incidents.incident(record.incidentId);
}

function secretsIn({ secrets, keys }: IncidentRecord): readonly SecretArn[] {
  return [...new Set([...secrets, ...keys].flatMap(({ secretArn }) => secretArn ?? []))];
}

interface Ending {
  readonly incidentId: string;
  readonly order: OfflineOrder;
}

/** Until the key was seen dead. Returns why it was not. */
async function endKey(
  ref: string,
  { incidentId, order }: Ending,
  deps: OfflineDeps,
): Promise<readonly string[]> {
  const { clock } = deps;
  let failures = 0;
  for (let lap = 0; lap < lapsMax; lap += 1) {
    try {
      const turn = await containKey.run({ incidentId, ref, at: clock.nowMs() }, deps);
      if (turn.outcome === "over") return [];
      if (turn.outcome === "giveUp") return [turn.reason];
      const next =
        turn.outcome === "prove"
          ? await proveContained.run({ incidentId, ref, at: clock.nowMs() }, deps)
          : turn;
      const now = await deps.ledger.incidents.incident(incidentId);
      if (now !== undefined) order.onLap(now);
      failures = 0;
      if (next.outcome !== "dead") await clock.pause(next.waitSeconds * 1000);
    } catch (error) {
      if (!(error instanceof RotationError)) throw error;
      failures += 1;
      const why = `${error.name}: ${error.message}`;
      if (error.retry !== "later" || failures === failuresMax) return [why];
      await clock.pause(retryMs);
    }
  }
  return ["the provider still accepts it"];
}
