import { html } from "htm/preact";
import { useMemo, useState } from "preact/hooks";
import type { CampaignRow, FleetRow, IncidentRow } from "../shown.ts";
import { atWork, CampaignClock, clockText } from "./incidents.ts";
import type { Live } from "./live.ts";
import { Badge, Command, When } from "./parts.ts";
import { linkTo } from "./place.ts";
import { span } from "./time.ts";

const pageSize = 50;
const wantsShown = 6;

interface Seen {
  readonly fleet: Live["fleet"];
  readonly nowMs: number;
}

export function Fleet({ fleet, nowMs }: Seen) {
  if (fleet === undefined) return html`<h1>Fleet</h1><p class="loading">Reading the ledger…</p>`;
  const { rows, read, total, stops } = fleet;
  return html`
    <h1>Fleet <small>${total} ${total === 1 ? "secret" : "secrets"}${read < total ? `, ${read} read so far` : ""}</small></h1>
    ${stops.map(({ scope, by, reason }) => html`<p class="trouble" key=${scope}>Stopped for <b>${scope}</b> by ${by}: ${reason}</p>`)}
    <${Wanted} fleet=${fleet} nowMs=${nowMs} />
    <${Table} rows=${rows} nowMs=${nowMs} />
  `;
}

/** What needs a person, before everything else. */
function Wanted({ fleet, nowMs }: { readonly fleet: NonNullable<Live["fleet"]>; readonly nowMs: number }) {
  const [isAll, setAll] = useState(false);
  const { campaigns, incidents } = atWork(fleet);
  const wants = fleet.rows.filter((row) => row.wants !== undefined).sort(worstFirst);
  const count = campaigns.length + incidents.length + wants.length;
  if (count === 0) return html`<p class="calm"><${Badge} tone="good">Nothing needs a person.<//></p>`;
  const shown = isAll ? wants.slice(0, 200) : wants.slice(0, wantsShown);
  const rest = wants.length - shown.length;
  return html`<section class="wanted" aria-labelledby="wanted">
    <h2 id="wanted">Needs a person <small>${count}</small></h2>
    <ul>
      ${campaigns.map((campaign) => html`<${WantedCampaign} key=${campaign.campaignId} campaign=${campaign} nowMs=${nowMs} />`)}
      ${incidents.map((incident) => html`<${WantedIncident} key=${incident.incidentId} incident=${incident} nowMs=${nowMs} />`)}
      ${shown.map(
        ({ secretArn, name, wants: want }) => html`<li key=${secretArn} class=${want?.tone}>
          <a href=${linkTo("rotation", secretArn)}>${name}</a><span class="what">${want?.what}</span><${Command} command=${want?.command} />
        </li>`,
      )}
    </ul>
    ${rest > 0 && !isAll ? html`<button type="button" class="more" onClick=${() => setAll(true)}>and ${rest} more</button>` : null}
  </section>`;
}

function WantedCampaign({ campaign, nowMs }: { readonly campaign: CampaignRow; readonly nowMs: number }) {
  const { campaignId, title, status, contained, replaced, keys, needPeople, containedAtMs } = campaign;
  const people = needPeople === 0 ? "" : `, ${needPeople} need people`;
  return html`<li class=${containedAtMs === undefined ? "bad" : "warn"}>
    <a href=${linkTo("campaign", campaignId)}>Campaign: ${title}</a>
    <span class="what">${status}: ${contained} of ${keys} contained, ${replaced} replaced${people}; <${CampaignClock} campaign=${campaign} nowMs=${nowMs} /></span>
  </li>`;
}

function WantedIncident({ incident, nowMs }: { readonly incident: IncidentRow; readonly nowMs: number }) {
  const { incidentId, about, deadlineAtMs, deadAtMs, test } = incident;
  return html`<li class=${deadAtMs === undefined ? "bad" : "warn"}>
    <a href=${linkTo("incident", incidentId)}>${test ? "Test leak" : "Leak"}: ${about}</a>
    <span class="what">${deadAtMs === undefined ? `not dead yet, ${clockText(deadlineAtMs, nowMs)}` : "dead; consumers recover"}</span>
  </li>`;
}

function worstFirst(a: FleetRow, b: FleetRow): number {
  const rank = ({ wants }: FleetRow) => (wants?.tone === "bad" ? 0 : 1);
  return rank(a) - rank(b) || a.name.localeCompare(b.name);
}

const kinds = {
  all: { title: "all", fits: () => true },
  person: { title: "needs a person", fits: ({ wants }: FleetRow) => wants !== undefined },
  busy: { title: "rotating", fits: ({ state }: FleetRow) => state.tone === "busy" },
  debts: { title: "with debts", fits: ({ debts }: FleetRow) => debts > 0 },
  index: { title: "only watched", fits: ({ mode }: FleetRow) => mode !== "rotate" },
} as const satisfies Readonly<Record<string, { title: string; fits(row: FleetRow): boolean }>>;

type Kind = keyof typeof kinds;
const columns = {
  name: { title: "Secret", of: ({ name }: FleetRow) => name },
  age: { title: "Key age", of: ({ sinceMs }: FleetRow) => sinceMs ?? Number.POSITIVE_INFINITY },
  next: { title: "Next rotation", of: ({ nextAtMs }: FleetRow) => nextAtMs ?? Number.POSITIVE_INFINITY },
  state: { title: "State", of: ({ state }: FleetRow) => `${toneRank[state.tone]} ${state.text}` },
  debts: { title: "Debts", of: ({ debts }: FleetRow) => -debts },
} as const;
type Column = keyof typeof columns;
const toneRank = { bad: 0, warn: 1, busy: 2, good: 3, quiet: 4 } as const;

interface Sort {
  readonly by: Column;
  readonly isDown: boolean;
}

function Table({ rows, nowMs }: { readonly rows: readonly FleetRow[]; readonly nowMs: number }) {
  const [words, setWords] = useState("");
  const [kind, setKind] = useState<Kind>("all");
  const [sort, setSort] = useState<Sort>({ by: "name", isDown: false });
  const [page, setPage] = useState(0);
  const found = useMemo(() => sorted(rows.filter(fitting(words, kind)), sort), [rows, words, kind, sort]);
  const pages = Math.max(1, Math.ceil(found.length / pageSize));
  const at = Math.min(page, pages - 1);
  const visible = found.slice(at * pageSize, (at + 1) * pageSize);
  const lines = visible.map((row) => html`<${Row} key=${row.secretArn} row=${row} nowMs=${nowMs} />`);
  const whyNone = rows.length === 0 ? "No secret has a policy yet: rekey apply" : "No secret fits.";
  const nothing = found.length === 0 ? whyNone : "";
  const back =
    <Value>(set: (value: Value) => void) =>
    (value: Value) => {
      set(value);
      setPage(0);
    };
  return html`
    <${Filters} words=${words} kind=${kind} setWords=${back(setWords)} setKind=${back(setKind)} count=${found.length} />
    <table class="fleet">
      <caption class="unseen">Every secret, the age of its key, and its state</caption>
      <thead><${Head} sort=${sort} setSort=${setSort} /></thead>
      <tbody>${lines}</tbody>
    </table>
    <p class="none">${nothing}</p>
    <${Pager} at=${at} pages=${pages} go=${setPage} />
  `;
}

function Head({ sort, setSort }: { readonly sort: Sort; setSort(sort: Sort): void }) {
  const heads = Object.entries(columns).map(([name, { title }]) => {
    const isBy = sort.by === name;
    const order = sort.isDown ? "descending" : "ascending";
    const arrow = sort.isDown ? " ↓" : " ↑";
    const turn = () => setSort({ by: name as Column, isDown: isBy && !sort.isDown });
    return html`<th key=${name} scope="col" class=${name === "debts" ? "number" : undefined} aria-sort=${isBy ? order : "none"}>
      <button type="button" onClick=${turn}>${title}<span aria-hidden="true">${isBy ? arrow : ""}</span></button>
    </th>`;
  });
  return html`<tr>${heads}</tr>`;
}

function fitting(words: string, kind: Kind): (row: FleetRow) => boolean {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return (row) => {
    const text =
      `${row.name} ${row.environment} ${row.provider} ${row.owner ?? ""} ${row.state.text} ${row.keyId ?? ""}`.toLowerCase();
    return kinds[kind].fits(row) && wanted.every((word) => text.includes(word));
  };
}

function sorted(rows: readonly FleetRow[], { by, isDown }: Sort) {
  const { of } = columns[by];
  const compare = (a: FleetRow, b: FleetRow) => {
    const [one, other] = [of(a), of(b)];
    if (one === other) return a.name < b.name ? -1 : 1;
    return one < other ? -1 : 1;
  };
  return [...rows].sort((a, b) => (isDown ? -compare(a, b) : compare(a, b)));
}

function Filters(filters: {
  readonly words: string;
  readonly kind: Kind;
  readonly count: number;
  setWords(words: string): void;
  setKind(kind: Kind): void;
}) {
  const { words, kind, count, setWords, setKind } = filters;
  return html`<form class="filters" role="search" onSubmit=${(event: Event) => event.preventDefault()}>
    <input type="search" aria-label="filter secrets" placeholder="Filter by name, environment, provider, owner, state" value=${words}
      onInput=${(event: Event) => setWords((event.target as HTMLInputElement).value)} />
    <select aria-label="which secrets" value=${kind} onChange=${(event: Event) => setKind((event.target as HTMLSelectElement).value as Kind)}>
      ${Object.entries(kinds).map(([name, { title }]) => html`<option key=${name} value=${name}>${title}</option>`)}
    </select>
    <output>${count} shown</output>
  </form>`;
}

function Pager({ at, pages, go }: { readonly at: number; readonly pages: number; go(page: number): void }) {
  if (pages === 1) return null;
  return html`<nav class="pager" aria-label="pages of the table">
    <button type="button" disabled=${at === 0} onClick=${() => go(at - 1)}>Previous</button>
    <span>page ${at + 1} of ${pages}</span>
    <button type="button" disabled=${at === pages - 1} onClick=${() => go(at + 1)}>Next</button>
  </nav>`;
}

function Row({ row, nowMs }: { readonly row: FleetRow; readonly nowMs: number }) {
  const { secretArn, name, environment, provider, owner, state, debts, nextAtMs, schedule, mode } = row;
  const { certified } = row;
  return html`<tr>
    <th scope="row" data-title="Secret"><a href=${linkTo("rotation", secretArn)}>${name}</a> <span class="sub">${environment} · ${provider}${owner === undefined ? "" : ` · ${owner}`}</span></th>
    <td data-title="Key age"><${Age} row=${row} nowMs=${nowMs} /></td>
    <td data-title="Next">${nextAtMs === undefined ? html`<span class="none">${mode !== "rotate" ? "never" : (schedule ?? "by hand")}</span>` : html`<${When} atMs=${nextAtMs} nowMs=${nowMs} />`}</td>
    <td data-title="State"><span><${Badge} tone=${state.tone}>${state.text}<//>${certified === undefined ? null : html` <a class="sub" href=${linkTo("certificate", secretArn, certified.rotationId)} aria-label=${`certificate of ${name}`}>certificate</a>`}</span></td>
    <td data-title="Debts" class="number">${debts === 0 ? html`<span class="none">0</span>` : html`<b>${debts}</b>`}</td>
  </tr>`;
}

/** The age against what the policy allows, as a figure and as a bar. */
function Age({ row: { sinceMs, maxAgeMs }, nowMs }: { readonly row: FleetRow; readonly nowMs: number }) {
  if (sinceMs === undefined) return html`<span class="none">unknown</span>`;
  const share = Math.min(1, (nowMs - sinceMs) / maxAgeMs);
  const tone = share >= 1 ? "bad" : share > 0.85 ? "warn" : "good";
  return html`<span class="age"><span>${span(nowMs - sinceMs)} <span class="sub">of ${span(maxAgeMs)}</span></span><span class=${`bar ${tone}`} aria-hidden="true"><span style=${{ width: `${Math.round(share * 100)}%` }}></span></span></span>`;
}
