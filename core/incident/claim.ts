import { utcText } from "../utc.ts";
import { claimBackMaxMs } from "./plan.ts";
import type { IncidentRecord } from "./record.ts";

/**
 * What a sender claimed about the time of detection, what it was taken for, and why (O5). Undefined if nobody claimed
 * a time: then the clock starts when the first alert arrived.
 */
export function claimText({ alerts, detectedAtMs }: Pick<IncidentRecord, "alerts" | "detectedAtMs">) {
  const [earliest] = alerts
    .flatMap(({ source, detectedAtMs: claimedAtMs, receivedAtMs }) =>
      claimedAtMs === undefined ? [] : [{ source, claimedAtMs, receivedAtMs }],
    )
    .sort((a, b) => a.claimedAtMs - b.claimedAtMs);
  if (earliest === undefined) return undefined;
  const { source, claimedAtMs, receivedAtMs } = earliest;
  const claimed = `${source} claimed ${utcText(claimedAtMs)}`;
  if (claimedAtMs < receivedAtMs - claimBackMaxMs) {
    const why = "a claim is believed for at most 24 hours before it arrives";
    return `${claimed}; taken for ${utcText(detectedAtMs)}: ${why}`;
  }
  if (claimedAtMs > receivedAtMs)
    return `${claimed}; taken for ${utcText(detectedAtMs)}: a claim never makes the clock later`;
  return `${claimed}; nobody but the sender saw that`;
}
