import { html } from "htm/preact";
import type { CampaignShown, Tone } from "../shown.ts";
import { CampaignClock } from "./incidents.ts";
import { clock, utc } from "./time.ts";

/** How a campaign stands, in four figures. */
export function Figures({ shown, nowMs }: { readonly shown: CampaignShown; readonly nowMs: number }) {
  const { keys, started, contained, replaced, needPeople, failed, deadlineAtMs, containedAtMs } = shown;
  const isLate = (containedAtMs ?? nowMs) > deadlineAtMs;
  const left = deadlineAtMs - nowMs;
  const running = left >= 0 ? clock(left) : `-${clock(-left)}`;
  return html`<div class="clocks" role="group" aria-label="how it stands">
    <${Figure} title="Contained" figure=${`${contained} of ${keys}`} sub=${`${started} started`} tone=${contained === keys ? "good" : "busy"} share=${contained / Math.max(1, keys)} />
    <${Figure} title="Replaced" figure=${`${replaced} of ${keys}`} sub=${`${failed} failed`} tone=${failed > 0 ? "bad" : replaced === keys ? "good" : "busy"} share=${replaced / Math.max(1, keys)} />
    <${Figure} title="Need people" figure=${String(needPeople)} sub=${needPeople === 0 ? "nobody has to do anything" : "listed below"} tone=${needPeople === 0 ? "good" : "warn"} />
    <${Figure} title="Deadline" figure=${containedAtMs === undefined ? running : isLate ? "met late" : "met"} sub=${containedAtMs === undefined ? `${utc(deadlineAtMs)} UTC` : html`<${CampaignClock} campaign=${shown} nowMs=${nowMs} />`} tone=${isLate ? "bad" : containedAtMs === undefined ? "quiet" : "good"} />
  </div>`;
}

interface Figured {
  readonly title: string;
  readonly figure: string;
  readonly sub: unknown;
  readonly tone: Tone;
  /** Drawn as a bar, where it says how far something is. */
  readonly share?: number;
}

function Figure({ title, figure, sub, tone, share }: Figured) {
  return html`<div class=${`clock ${tone}`}>
    <span class="title">${title}</span><span class="figure">${figure}</span><span class="sub">${sub}</span>
    ${share === undefined ? null : html`<span class=${`bar ${tone}`} aria-hidden="true"><span style=${{ width: `${Math.round(share * 100)}%` }}></span></span>`}
  </div>`;
}
