import type { Campaign, CampaignKey } from "../../core/campaign/record.ts";
import type { Alert } from "../../events/alert.ts";
import { raiseAlerts } from "../alerts/raise.ts";
import type { With } from "../deps.ts";

interface Starting {
  readonly campaign: Campaign;
  readonly key: CampaignKey;
  readonly nowMs: number;
}

/** Reports one key as the person who ordered the campaign. A repeat finds the same incident. */
export async function startKey(
  { campaign, key, nowMs }: Starting,
  deps: With<"escalator">,
): Promise<CampaignKey> {
  const { campaignId, openedAtMs, by, reason, title } = campaign;
  const place = { campaignId, place: key.place };
  await deps.ledger.campaigns.changeCampaignKey(place, (now) =>
    now.startedAtMs === undefined ? { ...now, startedAtMs: nowMs } : now,
  );
  const { fingerprint, plan } = key;
  if (fingerprint === undefined) return key;
  const alert: Alert = {
    schema: 1,
    source: "person",
    sourceId: `${campaignId}/${key.place}`,
    identity: { kind: "fingerprint", values: [fingerprint] },
    exposure: "unknown",
    verified: "unknown",
    where: [`campaign ${campaignId}: ${title}`.slice(0, 300)],
  };
  // Every key has the campaign's clock: it leaked then, however late its turn comes.
  const arrived = { alert, kind: "start" as const, receivedAtMs: openedAtMs, intake: "person", campaignId };
  const { incidentIds } = await raiseAlerts({ ...arrived, principal: by, reason, plan }, deps);
  const [incidentId] = incidentIds;
  return deps.ledger.campaigns.changeCampaignKey(place, (now) =>
    incidentId === undefined || now.incidentId !== undefined ? now : { ...now, incidentId },
  );
}
