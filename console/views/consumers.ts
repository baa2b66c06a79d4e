import {
  type ConsumerEvidence,
  type Evidence,
  type Forgotten,
  type InstanceEvidence,
  isConsumers,
  isForgotten,
  isInstance,
} from "../../core/adoption/evidence.ts";
import { grouped } from "../../core/grouped.ts";
import type { ConsumerPolicy, Policy } from "../../core/policy.ts";
import type { Fingerprint } from "../../core/ports.ts";
import { shortName } from "../../core/principal.ts";
import type { ConsumerRow, InstanceRow } from "../shown.ts";

/** While a rotation is open an instance reports every few seconds; an idle one reports once an hour. */
const silentAfterMs = { open: 60_000, idle: 2 * 3_600_000 } as const;
/** An instance that used both keys within this time counts as using both. */
const bothWithinMs = 60_000;
const instancesMax = 500;

export interface KeysInUse {
  readonly retiring?: Fingerprint;
  readonly incoming?: Fingerprint;
  readonly current?: Fingerprint;
}

interface View {
  readonly policy: Policy;
  readonly evidence: readonly Evidence[];
  readonly keys: KeysInUse;
  readonly isOpen: boolean;
  readonly nowMs: number;
}

/** Each declared consumer with what was seen of it, then what was seen of others. */
export function consumerRows(view: View): readonly ConsumerRow[] | "none" {
  const declared = view.policy.consumers === "none" ? [] : view.policy.consumers;
  const seen = view.evidence.filter(isConsumers);
  const rows = declared.map((consumer) =>
    rowOf(
      { name: consumer.name, environment: consumer.environment, isDeclared: true, wanted: consumer.evidence },
      { items: seen.filter((item) => isOf(item, consumer)), view },
    ),
  );
  const others = seen.filter((item) => !declared.some((consumer) => isOf(item, consumer)));
  const strangers = grouped(others, ({ consumer, environment }) => JSON.stringify([consumer, environment]));
  const undeclared = [...strangers.values()].map((items) => {
    const { consumer: name, environment } = items[0];
    return rowOf({ name, environment, isDeclared: false, wanted: [] }, { items, view });
  });
  return view.policy.consumers === "none" && undeclared.length === 0 ? "none" : [...rows, ...undeclared];
}

function isOf(item: ConsumerEvidence, { name, environment, account }: ConsumerPolicy): boolean {
  return item.consumer === name && item.environment === environment && item.account === account;
}

function rowOf(
  consumer: Omit<ConsumerRow, "instances" | "said">,
  { items, view }: { readonly items: readonly ConsumerEvidence[]; readonly view: View },
): ConsumerRow {
  const instances = items.filter(isInstance).slice(0, instancesMax);
  return {
    ...consumer,
    instances: instances
      .map((item) => instanceRow(item, view))
      .sort((a, b) => (a.instance < b.instance ? -1 : 1)),
    said: items.flatMap((item) => saidBy(item)),
  };
}

function instanceRow(item: InstanceEvidence, { keys, isOpen, nowMs }: View): InstanceRow {
  const usedAtMs = (fingerprint: Fingerprint | undefined) => {
    const agoMs = item.uses.find((use) => use.fingerprint === fingerprint)?.lastSuccessAgoMs;
    return agoMs === null || agoMs === undefined ? undefined : item.observedAtMs - agoMs;
  };
  const retiringUsedAtMs = usedAtMs(keys.retiring);
  const incomingUsedAtMs = usedAtMs(keys.incoming);
  const silentMs = isOpen ? silentAfterMs.open : silentAfterMs.idle;
  return {
    ...{ instance: item.instance, source: item.kind, seenAtMs: item.observedAtMs, hasEnded: item.ended },
    holds: holdsWhich(item, { keys, retiringUsedAtMs }),
    isSilent: !item.ended && !isForgotten(item) && nowMs - item.observedAtMs > silentMs,
    ...(isForgotten(item) && item.forgotten && { forgotten: forgottenShown(item.forgotten) }),
    ...(retiringUsedAtMs !== undefined && { retiringUsedAtMs }),
    ...(incomingUsedAtMs !== undefined && { incomingUsedAtMs }),
  };
}

function forgottenShown({ by, atMs, reason }: Forgotten): NonNullable<InstanceRow["forgotten"]> {
  return { by: shortName(by), atMs, reason };
}

function holdsWhich(
  { holds, observedAtMs }: InstanceEvidence,
  { keys, retiringUsedAtMs }: { readonly keys: KeysInUse; readonly retiringUsedAtMs: number | undefined },
): InstanceRow["holds"] {
  if (keys.incoming !== undefined && holds.fingerprint === keys.incoming) {
    const usesBoth = retiringUsedAtMs !== undefined && observedAtMs - retiringUsedAtMs < bothWithinMs;
    return usesBoth ? "both" : "incoming";
  }
  if (keys.retiring !== undefined && holds.fingerprint === keys.retiring) return "retiring";
  return holds.fingerprint === keys.current ? "current" : "unknown";
}

function saidBy(item: ConsumerEvidence): ConsumerRow["said"] {
  if (isInstance(item)) return [];
  const atMs = item.observedAtMs;
  switch (item.kind) {
    case "kms":
      return [{ atMs, text: `${shortName(item.principal)} read version ${item.versionId.slice(0, 8)}` }];
    case "attestation":
      return [{ atMs, text: `${shortName(item.principal)} attests that it uses the incoming key` }];
    case "copy":
      return [{ atMs, text: `${item.name} at ${item.destination}: ${item.detail}` }];
    case "ecs":
    case "lambda":
    case "kubernetes":
      return [{ atMs, text: `${item.kind} restart ${item.state}${item.detail ? `: ${item.detail}` : ""}` }];
  }
}
