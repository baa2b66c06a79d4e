import { html } from "htm/preact";
import { campaignsAtWork } from "../../core/campaign/board.ts";
import type { CampaignRow, IncidentRow, Tone } from "../shown.ts";
import type { Live } from "./live.ts";
import { Badge, When } from "./parts.ts";
import { linkTo } from "./place.ts";
import { clock, span } from "./time.ts";

type FleetSeen = Pick<NonNullable<Live["fleet"]>, "incidents" | "campaigns">;

/** The campaigns and incidents that are not over, as `rekey watch` lists them. */
export function atWork({ campaigns, incidents }: FleetSeen) {
  return campaignsAtWork(
    campaigns,
    incidents.filter(({ isOver }) => !isOver),
  );
}

export function openCount(fleet: FleetSeen): number {
  const { campaigns, incidents } = atWork(fleet);
  return campaigns.length + incidents.length;
}

/** "12:01 left", while there is something to do before it. */
export function clockText(deadlineAtMs: number, nowMs: number): string {
  const left = deadlineAtMs - nowMs;
  return left >= 0 ? `${clock(left)} left` : `${span(-left)} past the deadline`;
}

export function Incidents({ fleet, nowMs }: { readonly fleet: Live["fleet"]; readonly nowMs: number }) {
  if (fleet === undefined) return html`<h1>Incidents</h1><p class="loading">Reading the ledger…</p>`;
  const { incidents, campaigns } = fleet;
  const isQuiet = incidents.length + campaigns.length === 0;
  return html`<h1>Incidents <small>${incidents.length}</small></h1>
    ${isQuiet ? html`<p class="calm"><${Badge} tone="good">No leak was ever reported.<//></p>` : null}
    <${Campaigns} campaigns=${campaigns} nowMs=${nowMs} />
    ${
      incidents.length === 0
        ? null
        : html`<table class="titled">
      <caption class=${campaigns.length === 0 ? "unseen" : ""}>Every incident, the newest first</caption>
      <thead><tr><th scope="col">About</th><th scope="col">Status</th><th scope="col">Plan</th><th scope="col">Detected</th><th scope="col">Dead after</th></tr></thead>
      <tbody>${incidents.map((incident) => html`<${IncidentLine} key=${incident.incidentId} incident=${incident} nowMs=${nowMs} />`)}</tbody>
    </table>`
    }`;
}

function Campaigns({
  campaigns,
  nowMs,
}: {
  readonly campaigns: readonly CampaignRow[];
  readonly nowMs: number;
}) {
  if (campaigns.length === 0) return null;
  return html`<table class="titled">
    <caption>Campaigns: many keys by one order, under one clock</caption>
    <thead><tr><th scope="col">Covers</th><th scope="col">Status</th><th scope="col">Contained</th><th scope="col">Replaced</th><th scope="col">Need people</th><th scope="col">Deadline</th></tr></thead>
    <tbody>${campaigns.map((campaign) => html`<${CampaignLine} key=${campaign.campaignId} campaign=${campaign} nowMs=${nowMs} />`)}</tbody>
  </table>`;
}

function CampaignLine({ campaign, nowMs }: { readonly campaign: CampaignRow; readonly nowMs: number }) {
  const { campaignId, title, status, keys, contained, replaced, needPeople } = campaign;
  return html`<tr><th scope="row"><a href=${linkTo("campaign", campaignId)}>${title}</a> <span class="sub">${campaignId}</span></th>
    <td data-title="Status"><${Badge} tone=${campaignTone(campaign, nowMs)}>${status}<//></td>
    <td data-title="Contained">${contained} of ${keys}</td><td data-title="Replaced">${replaced} of ${keys}</td>
    <td data-title="Need people">${needPeople === 0 ? html`<span class="none">0</span>` : html`<b>${needPeople}</b>`}</td>
    <td data-title="Deadline"><${CampaignClock} campaign=${campaign} nowMs=${nowMs} /></td></tr>`;
}

/** Against the deadline while a key is not contained, and afterwards how long it took. */
export function CampaignClock({
  campaign,
  nowMs,
}: {
  readonly campaign: CampaignRow;
  readonly nowMs: number;
}) {
  const { openedAtMs, deadlineAtMs, containedAtMs } = campaign;
  if (containedAtMs === undefined) return html`${clockText(deadlineAtMs, nowMs)}`;
  const late = containedAtMs > deadlineAtMs ? ", late" : "";
  return html`all contained after ${clock(containedAtMs - openedAtMs)}${late}`;
}

export function campaignTone(
  { status, containedAtMs, needPeople, deadlineAtMs }: CampaignRow,
  nowMs: number,
): Tone {
  if (containedAtMs === undefined && nowMs > deadlineAtMs) return "bad";
  if (status === "paused" || needPeople > 0) return "warn";
  return status === "done" ? "good" : "busy";
}

function IncidentLine({ incident, nowMs }: { readonly incident: IncidentRow; readonly nowMs: number }) {
  const { incidentId, about, status, plan, detectedAtMs, deadAtMs, deadlineAtMs, isOver, test } = incident;
  const tone: Tone = isOver ? "good" : status === "needsPerson" || nowMs > deadlineAtMs ? "bad" : "busy";
  const more = `${test ? " · test" : ""}${incident.campaignId === undefined ? "" : ` · campaign ${incident.campaignId}`}`;
  return html`<tr><th scope="row"><a href=${linkTo("incident", incidentId)}>${about}</a> <span class="sub">${incidentId}${more}</span></th>
    <td><${Badge} tone=${tone}>${status}<//></td><td>${plan}</td><td><${When} atMs=${detectedAtMs} nowMs=${nowMs} /></td>
    <td>${deadAtMs === undefined ? html`<span class="none">not dead</span>` : span(deadAtMs - detectedAtMs)}</td></tr>`;
}
