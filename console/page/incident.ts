import { html } from "htm/preact";
import type { IncidentShown, Tone } from "../shown.ts";
import { Advised, Badge, Key, Section, Story, When } from "./parts.ts";
import { linkTo } from "./place.ts";
import { clock, utc } from "./time.ts";

interface Seen {
  readonly shown: IncidentShown;
  readonly nowMs: number;
}

export function Incident({ shown, nowMs }: Seen) {
  const { incidentId, status, tone, test, match, plan, planWhy, answers, advice, notes, reports } = shown;
  const { campaignId, hasCertificate } = shown;
  return html`
    <p class="crumbs"><a href="#/incidents">Incidents</a> / ${campaignId === undefined ? null : html`<a href=${linkTo("campaign", campaignId)}>campaign ${campaignId}</a> / `}${incidentId}</p>
    <h1>${match} <${Badge} tone=${tone}>${status}<//>${test ? html` <${Badge} tone="quiet">test<//>` : null}</h1>
    <${Clocks} shown=${shown} nowMs=${nowMs} />
    <p class="plan"><b>${plan}</b>: ${planWhy}</p>
    <${Section} title="What a person asks first">
      <dl class="answers">${answers.map(({ title, text }) => html`<div key=${title}><dt>${title}</dt><dd>${text}</dd></div>`)}</dl>
    <//>
    ${advice.length === 0 ? null : html`<${Section} title="What you can do"><${Advised} advice=${advice} /><//>`}
    <${Keys} keys=${shown.keys} nowMs=${nowMs} />
    <${Replacements} secrets=${shown.secrets} nowMs=${nowMs} />
    <${Checklist} checklist=${shown.checklist} />
    <${Section} title="Timeline"><${Story} told=${shown.timeline} sinceMs=${shown.detectedAtMs} /><//>
    ${notes.length === 0 ? null : html`<${Section} title="Notes"><ul>${notes.map(({ by, text, atMs }) => html`<li key=${atMs}>${by}: ${text} <${When} atMs=${atMs} nowMs=${nowMs} /></li>`)}</ul><//>`}
    ${hasCertificate ? html`<${Section} title="Certificate"><p><a href=${linkTo("certificate", incidentId)}>What was done, and how it was proven</a></p><//>` : null}
    ${reports.length === 0 ? null : html`<${Section} title="Report"><ul>${reports.map(({ path, when, atMs }) => html`<li key=${path}><code>${path}</code> <span class="sub">${when}, <${When} atMs=${atMs} nowMs=${nowMs} /></span></li>`)}</ul><//>`}
  `;
}

/** Both clocks on the way to the same deadline. */
function Clocks({ shown, nowMs }: Seen) {
  const { detectedAtMs, deadlineAtMs, acceptedAtMs, deadAtMs, isOver } = shown;
  const allowed = Math.max(1, deadlineAtMs - detectedAtMs);
  const left = deadlineAtMs - nowMs;
  const isLate = deadAtMs === undefined && left < 0;
  const clocks = [
    { title: "Revoke accepted", atMs: acceptedAtMs },
    { title: "Observed dead", atMs: deadAtMs },
  ];
  return html`<div class="clocks" role="group" aria-label="clocks">
    ${clocks.map(({ title, atMs }) => {
      const took = (atMs ?? nowMs) - detectedAtMs;
      const tone: Tone = atMs !== undefined ? (took <= allowed ? "good" : "bad") : isLate ? "bad" : "busy";
      const isStopped = atMs === undefined && isOver;
      return html`<div key=${title} class=${`clock ${tone}`}>
        <span class="title">${title}</span>
        <span class="figure">${isStopped ? "never" : clock(took)}</span>
        <span class="sub">${atMs === undefined ? (isStopped ? "the incident is over" : "and counting") : "after detection"}, of ${clock(allowed)}</span>
        <span class=${`bar ${tone}`} aria-hidden="true"><span style=${{ width: `${Math.min(100, Math.round((took / allowed) * 100))}%` }}></span></span>
      </div>`;
    })}
    <div class=${`clock ${isLate ? "bad" : "quiet"}`}>
      <span class="title">Deadline</span>
      <span class="figure">${deadAtMs !== undefined ? "met".concat(deadAtMs > deadlineAtMs ? " late" : "") : left >= 0 ? clock(left) : `-${clock(-left)}`}</span>
      <span class="sub">${utc(deadlineAtMs)} UTC</span>
    </div>
  </div>`;
}

function Keys({ keys, nowMs }: { readonly keys: IncidentShown["keys"]; readonly nowMs: number }) {
  if (keys.length === 0) return null;
  return html`<${Section} title="Keys in scope"><table>
    <thead><tr><th scope="col">Key</th><th scope="col">State</th><th scope="col">Accepted</th><th scope="col">Dead</th></tr></thead>
    <tbody>${keys.map(
      (
        key,
      ) => html`<tr key=${key.keyId}><th scope="row"><${Key} id=${key.keyId} /> <span class="sub">${key.provider}</span></th>
      <td><${Badge} tone=${key.tone}>${key.state}<//>${key.blocked === undefined ? null : html`<p class="said">${key.blocked}</p>`}</td>
      <td><${When} atMs=${key.acceptedAtMs} nowMs=${nowMs} /></td><td><${When} atMs=${key.deadAtMs} nowMs=${nowMs} /></td></tr>`,
    )}</tbody></table><//>`;
}

function Replacements({
  secrets,
  nowMs,
}: {
  readonly secrets: IncidentShown["secrets"];
  readonly nowMs: number;
}) {
  if (secrets.length === 0) return null;
  return html`<${Section} title="Replacements"><table>
    <thead><tr><th scope="col">Secret</th><th scope="col">Replacement</th><th scope="col">Incoming key</th><th scope="col">Promoted</th><th scope="col">Still behind</th></tr></thead>
    <tbody>${secrets.map(
      (
        secret,
      ) => html`<tr key=${secret.secretArn}><th scope="row"><a href=${linkTo("rotation", secret.secretArn)}>${secret.name}</a> <span class="sub">${secret.environment}</span></th>
      <td><${Badge} tone=${secret.tone}>${secret.replacement}<//>${secret.failure === undefined ? null : html`<p class="said">${secret.failure}</p>`}</td>
      <td><${Key} id=${secret.incomingKeyId} /></td><td><${When} atMs=${secret.promotedAtMs} nowMs=${nowMs} /></td>
      <td>${secret.behind.length === 0 ? html`<span class="none">nobody</span>` : html`<b>${secret.behind.join(", ")}</b>`}${secret.copiesBehind.map((why) => html`<p class="said">${why}</p>`)}${secret.moved.length > 0 ? html` <span class="sub">moved: ${secret.moved.join(", ")}</span>` : null}</td></tr>`,
    )}</tbody></table><//>`;
}

function Checklist({ checklist }: { readonly checklist: IncidentShown["checklist"] }) {
  if (checklist.length === 0) return null;
  return html`<${Section} title="Checklist"><ul class="checklist">${checklist.map(
    ({ title, incidentId, status, isDone }) =>
      html`<li key=${title}><span aria-hidden="true">${isDone ? "☑" : "☐"}</span> ${incidentId === undefined ? title : html`<a href=${linkTo("incident", incidentId)}>${title}</a>`} <span class="sub">${status}</span></li>`,
  )}</ul><//>`;
}
