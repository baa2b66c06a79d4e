import { acknowledge, whyNotAcknowledge } from "../../core/incident/orders.ts";
import type { Acknowledgement } from "../../events/acknowledgement.ts";
import type { Deps } from "../deps.ts";
import { changeIncident } from "../incident/record/change.ts";

export interface Acknowledged {
  readonly outcome: "acknowledged" | "nothingToAcknowledge";
  readonly incidentIds: readonly string[];
}

/** Somebody heard the page in this channel. It decides nothing about the key, and is nobody's approval. */
export async function noteAcknowledgement(ack: Acknowledgement, deps: Deps): Promise<Acknowledged> {
  const { incidentId, channel, by, saidAtMs: atMs } = ack;
  const known = await deps.ledger.incidents.incident(incidentId);
  if (known === undefined || whyNotAcknowledge(known))
    return { outcome: "nothingToAcknowledge", incidentIds: [] };
  const word = { by, reason: `acknowledged in ${channel}`, atMs, channel };
  await changeIncident(
    incidentId,
    (now) => {
      const isRepeat = now.acknowledged?.some((each) => each.by === by && each.atMs === atMs);
      return isRepeat || whyNotAcknowledge(now) ? now : acknowledge(now, word);
    },
    deps,
  );
  return { outcome: "acknowledged", incidentIds: [incidentId] };
}
