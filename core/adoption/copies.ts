import type { ConsumerPolicy, CopyPolicy } from "../policy.ts";
import type { CopyEvidence } from "./evidence.ts";
import { type AdoptionReason, type AdoptionView, isOf } from "./view.ts";

export interface ConsumerQuestion {
  readonly view: AdoptionView;
  readonly consumer: ConsumerPolicy;
}

/**
 * A consumer with copies has moved when each place shows the incoming version and what runs there uses it. A copy that
 * was only written is a delivery and no adoption.
 */
export function copiesBehind({ view, consumer }: ConsumerQuestion): readonly AdoptionReason[] {
  return (consumer.copies ?? []).flatMap((copy) => whyCopyBehind({ view, consumer, copy }) ?? []);
}

interface Asked extends ConsumerQuestion {
  readonly copy: CopyPolicy;
}

function whyCopyBehind(asked: Asked): AdoptionReason | undefined {
  const { view, copy } = asked;
  const evidence = evidenceOf(asked);
  if (evidence === undefined)
    return said(asked, { reason: "CopyNotWritten", detail: `${copy.as} at ${copy.to} is not written yet` });
  const agoMs = Math.max(0, view.nowMs - evidence.observedAtMs);
  const { detail } = evidence;
  switch (evidence.state) {
    case "unwritten":
    case "unknown":
      return said(asked, { reason: "CopyNotWritten", detail, agoMs });
    case "changed":
      return said(asked, { reason: "CopyChanged", detail, agoMs });
    case "elsewhere":
      return said(asked, { reason: "CopyElsewhere", detail: `${copy.as} at ${copy.to}: ${detail}`, agoMs });
    case "failed":
      return said(asked, { reason: "CopyFailed", detail, agoMs });
    case "activating":
      return notActive(asked, evidence);
    case "active":
      return draining(asked, evidence);
  }
}

function evidenceOf({ view, consumer, copy }: Asked): CopyEvidence | undefined {
  return view.evidence.find(
    (item): item is CopyEvidence =>
      item.kind === "copy" &&
      item.destination === copy.to &&
      item.name === copy.as &&
      item.versionId === view.incoming.versionId &&
      isOf(item, consumer),
  );
}

function notActive(asked: Asked, { detail, observedAtMs, remainingMs }: CopyEvidence): AdoptionReason {
  const agoMs = Math.max(0, asked.view.nowMs - observedAtMs);
  const left = remainingMs === undefined ? {} : { remainingMs: Math.max(0, remainingMs - agoMs) };
  return said(asked, { reason: "CopyNotActive", detail, agoMs, ...left });
}

/**
 * What ran before may use the retiring key until it is stale: a cache, a process that still drains. A run that was
 * given the retiring key has ended before its copy counts as active.
 */
function draining(asked: Asked, evidence: CopyEvidence): AdoptionReason | undefined {
  const { view, consumer, copy } = asked;
  const staleMs = evidence.activation === "next-run" ? 0 : consumer.maxStaleMs;
  const remainingMs = (evidence.activeSinceMs ?? evidence.observedAtMs) + staleMs - view.nowMs;
  if (remainingMs <= 0) return undefined;
  const detail = `${copy.as} at ${copy.to} is in use; what ran before may still hold the retiring key`;
  return said(asked, { reason: "CopyNotActive", detail, remainingMs });
}

function said(
  { consumer }: Asked,
  reason: Pick<AdoptionReason, "reason" | "detail" | "agoMs" | "remainingMs">,
): AdoptionReason {
  return { ...reason, source: "copy", consumer: consumer.name, environment: consumer.environment };
}

/** Each place that is behind, and why. Ages are left out: only news is worth a write. */
export function sayCopiesBehind(
  reasons: readonly AdoptionReason[],
): readonly { readonly consumer: string; readonly why: string }[] {
  return reasons.flatMap(({ source, consumer, reason, detail }) =>
    source === "copy" && consumer !== undefined ? [{ consumer, why: `${reason}: ${detail}` }] : [],
  );
}

/** Some copy is not written, or nothing has begun to use it: both are tried again after each wait. */
export function areCopiesOwed(reasons: readonly AdoptionReason[]): boolean {
  const isOwed = ({ reason, remainingMs }: AdoptionReason) =>
    reason === "CopyNotWritten" ||
    reason === "CopyChanged" ||
    (reason === "CopyNotActive" && remainingMs === undefined);
  return reasons.some(isOwed);
}
