import { shortName } from "../principal.ts";
import { consumersBehind } from "./consumers.ts";
import { type Evidence, type InstanceEvidence, isForgotten, isInstance } from "./evidence.ts";
import { useNotQuiet } from "./quiet.ts";
import { replicasBehind } from "./replicas.ts";
import { whyUncounted } from "./uncounted.ts";
import {
  type AdoptionReason,
  type AdoptionView,
  blocksUntilMs,
  instanceReason,
  isDeclared,
  isFresh,
  isLive,
  useOf,
} from "./view.ts";

export type { AdoptionReason, AdoptionView, KeyInUse } from "./view.ts";

export type AdoptionVerdict =
  | { readonly verdict: "adopted" }
  | { readonly verdict: "waiting"; readonly reasons: readonly AdoptionReason[] }
  | { readonly verdict: "contradicted"; readonly reasons: readonly AdoptionReason[] };

/**
 * The adoption rule: evidence in, verdict out. `waiting` ends by itself once the named things happen;
 * `contradicted` means that evidence and policy disagree, and a person should look.
 */
export function adoption(view: AdoptionView): AdoptionVerdict {
  const contradictions = view.evidence.flatMap((item) => whyContradicted(item, view));
  const missing = [...consumersBehind(view), ...useNotQuiet(view), ...replicasBehind(view)];
  if (contradictions.length > 0) return { verdict: "contradicted", reasons: [...contradictions, ...missing] };
  return missing.length > 0 ? { verdict: "waiting", reasons: missing } : { verdict: "adopted" };
}

function whyContradicted(item: Evidence, view: AdoptionView): readonly AdoptionReason[] {
  if (isInstance(item) && item.unproven === "jump") return jumped(item, view);
  if (isInstance(item) && isDeclared(item, view)) return [...refusedBy(item, view), ...returned(item, view)];
  if (isInstance(item)) return undeclaredHolder(item, view);
  if (item.kind === "uncounted") return isDeclared(item, view) ? [] : whyUncounted(item, view);
  return undeclaredReader(item, view);
}

/** Only declared consumers count here: otherwise anybody who can send a report could hold up every rotation (S7). */
function refusedBy(item: InstanceEvidence, view: AdoptionView): readonly AdoptionReason[] {
  const use = useOf(item, view.incoming.fingerprint);
  if (!isFresh(item, view) || use === undefined || use.lastRefusalAgoMs === null) return [];
  const hasWorkedSince = use.lastSuccessAgoMs !== null && use.lastSuccessAgoMs < use.lastRefusalAgoMs;
  if (hasWorkedSince) return [];
  return [
    instanceReason(item, view, {
      reason: "IncomingKeyRefused",
      detail: "was refused with the incoming key and has not been accepted since",
    }),
  ];
}

/** A person said that it is gone, and it reports: until it has moved or ended, somebody should look at what runs there. */
function returned(item: InstanceEvidence, view: AdoptionView): readonly AdoptionReason[] {
  if (item.forgotten === undefined || isForgotten(item)) return [];
  if (blocksUntilMs(item, view) === undefined) return [];
  const detail = `was forgotten by ${shortName(item.forgotten.by)}, and has reported again since`;
  return [instanceReason(item, view, { reason: "ForgottenReturned", detail })];
}

/** Two programs report under one name: which of them is the instance, nobody can tell. */
function jumped(item: InstanceEvidence, view: AdoptionView): readonly AdoptionReason[] {
  if (!isDeclared(item, view) || !isFresh(item, view)) return [];
  const { instance, sequence, jumpedFrom = 0 } = item;
  const detail = `two report as ${instance}: one is at report ${jumpedFrom}, the other says it is at ${sequence}`;
  return [instanceReason(item, view, { reason: "TwoUnderOneName", detail })];
}

/** A program that the policy does not know still uses the retiring key: revoking it would break that program. */
function undeclaredHolder(item: InstanceEvidence, view: AdoptionView): readonly AdoptionReason[] {
  if (item.holds.fingerprint !== view.retiring.fingerprint || !isLive(item, view)) return [];
  return [
    instanceReason(item, view, {
      reason: "UndeclaredConsumer",
      detail: `holds the retiring key, but no policy declares it in ${item.environment} of ${item.account}`,
    }),
  ];
}

/**
 * After the promotion only a program that asks for the retiring version by its id or label still gets it. It
 * is not declared, so nobody knows for how long it keeps the key: only declaring it ends this reason.
 */
function undeclaredReader(item: Evidence, view: AdoptionView): readonly AdoptionReason[] {
  if (item.kind !== "kms" || item.versionId !== view.retiring.versionId) return [];
  if (item.observedAtMs <= view.promotedAtMs || isDeclared(item, view)) return [];
  return [
    {
      reason: "UndeclaredConsumer",
      consumer: item.consumer,
      environment: item.environment,
      source: "kms",
      agoMs: Math.max(0, view.nowMs - item.observedAtMs),
      detail: `read the retiring version after the promotion, and no consumer has its role ${item.principal}`,
    },
  ];
}
