import { html } from "htm/preact";
import type { CampaignShown } from "../shown.ts";
import { Figures } from "./campaign-figures.ts";
import { campaignTone } from "./incidents.ts";
import { Advised, Badge, Section, Story } from "./parts.ts";
import { linkTo } from "./place.ts";

interface Seen {
  readonly shown: CampaignShown;
  readonly nowMs: number;
}

/** One board for all keys of a campaign: its clock, its waves, what people have to do, and every key. */
export function Campaign({ shown, nowMs }: Seen) {
  const { campaignId, title, status, reason, by, approvedBy, paused, destination, report, advice } = shown;
  return html`
    <p class="crumbs"><a href="#/incidents">Incidents</a> / campaign ${campaignId}</p>
    <h1>Campaign: ${title} <${Badge} tone=${campaignTone(shown, nowMs)}>${status}<//></h1>
    ${paused === undefined ? null : html`<p class="trouble">Paused by ${paused.by}: ${paused.why}</p>`}
    ${destination === undefined ? null : html`<p class="trouble">Nothing is written to <b>${destination}</b> until a person declares it clean.</p>`}
    <${Figures} shown=${shown} nowMs=${nowMs} />
    <p class="plan">Ordered by ${by}${approvedBy === undefined ? "" : `, approved by ${approvedBy}`}: ${reason}</p>
    <${People} people=${shown.people} />
    <${Section} title="What you can do"><${Advised} advice=${advice} /><//>
    <${Waves} waves=${shown.waves} />
    <${Keys} shown=${shown} />
    <${Section} title="Timeline"><${Story} told=${shown.timeline} sinceMs=${shown.openedAtMs} /><//>
    ${report === undefined ? null : html`<${Section} title="Report"><p><code>${report}</code></p><//>`}
  `;
}

function People({ people }: Pick<CampaignShown, "people">) {
  if (people.length === 0) return null;
  return html`<section class="wanted" aria-labelledby="people"><h2 id="people">For people <small>${people.length}</small></h2>
    <ul>${people.map(
      ({ name, secretArn, what }) =>
        html`<li key=${secretArn}><a href=${linkTo("rotation", secretArn)}>${name}</a><span class="what">${what}</span></li>`,
    )}</ul></section>`;
}

function Waves({ waves }: Pick<CampaignShown, "waves">) {
  return html`<${Section} title="Waves" note="in the order in which they start"><table class="titled">
    <thead><tr><th scope="col">Wave</th><th scope="col">Started</th><th scope="col">Contained</th><th scope="col">Replaced</th><th scope="col">Need people</th></tr></thead>
    <tbody>${waves.map(
      ({
        title,
        keys,
        started,
        contained,
        replaced,
        needPeople,
      }) => html`<tr key=${title}><th scope="row">${title}</th>
      <td data-title="Started">${started} of ${keys}</td><td data-title="Contained">${contained} of ${keys}</td><td data-title="Replaced">${replaced} of ${keys}</td><td data-title="Need people">${needPeople}</td></tr>`,
    )}</tbody></table><//>`;
}

function Keys({ shown: { list, keys } }: { readonly shown: CampaignShown }) {
  const note =
    list.length < keys ? `${list.length} of ${keys}, those that are not contained first` : undefined;
  return html`<${Section} title="Keys" note=${note}><table class="titled">
    <thead><tr><th scope="col">Key of</th><th scope="col">Stands</th><th scope="col">Wave</th><th scope="col">Incident</th></tr></thead>
    <tbody>${list.map((key) => html`<${KeyLine} key=${key.secretArn} line=${key} />`)}</tbody></table><//>`;
}

function KeyLine({ line }: { readonly line: CampaignShown["list"][number] }) {
  const { secretArn, name, account, wave, tone, stands, incidentId, hasCertificate } = line;
  return html`<tr><th scope="row"><a href=${linkTo("rotation", secretArn)}>${name}</a> <span class="sub">${account}</span></th>
    <td data-title="Stands"><${Badge} tone=${tone}>${stands}<//></td><td data-title="Wave">${wave}</td>
    <td data-title="Incident">${incidentId === undefined ? html`<span class="none">none yet</span>` : html`<a href=${linkTo("incident", incidentId)}>${incidentId}</a>`}${hasCertificate && incidentId !== undefined ? html` · <a href=${linkTo("certificate", incidentId)}>certificate</a>` : null}</td></tr>`;
}
