import { html } from "htm/preact";
import { render } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Shown } from "../shown.ts";
import { Audit } from "./audit.ts";
import { Campaign } from "./campaign.ts";
import { Certificate } from "./certificate.ts";
import { Chain } from "./chain.ts";
import { Fleet } from "./fleet.ts";
import { Incident } from "./incident.ts";
import { Incidents, openCount } from "./incidents.ts";
import { type Live, useLive, useNow, usePlace } from "./live.ts";
import type { Place } from "./place.ts";
import { Rotation } from "./rotation.ts";

const titles: Readonly<Record<Place["view"], string>> = {
  fleet: "Fleet",
  rotation: "Rotation",
  incidents: "Incidents",
  incident: "Incident",
  campaign: "Campaign",
  certificate: "Certificate",
  audit: "Audit",
  chain: "Audit",
};

function App() {
  const place = usePlace();
  const live = useLive(place);
  const nowMs = useNow(live.skewMs);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    document.title = `${titles[place.view]} · Rekey`;
    // A screen reader goes on reading where the new view begins.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [place]);
  const open = live.fleet === undefined ? 0 : openCount(live.fleet);
  const here = (...views: readonly Place["view"][]) => (views.includes(place.view) ? "page" : undefined);
  return html`
    <a class="skip" href="#main" onClick=${(event: Event) => {
      event.preventDefault();
      main.current?.focus();
    }}>Skip to content</a>
    <header class="top">
      <a class="mark" href="#/">Rekey</a>
      <nav aria-label="views">
        <a href="#/" aria-current=${here("fleet", "rotation", "certificate")}>Fleet</a>
        <a href="#/incidents" aria-current=${here("incidents", "incident", "campaign")}>Incidents${open > 0 ? html` <span class="count">${open}</span>` : null}</a>
        <a href="#/audit" aria-current=${here("audit", "chain")}>Audit</a>
      </nav>
      <span class=${live.isConnected ? "link on" : "link off"} role="status">${live.isConnected ? "live" : "not connected"}</span>
    </header>
    <main id="main" ref=${main} tabindex="-1">
      ${live.trouble === undefined ? null : html`<p class="trouble" role="alert">${live.trouble}</p>`}
      <${View} place=${place} live=${live} nowMs=${nowMs} />
    </main>
    <footer>This page only reads. Orders are commands that you run yourself.</footer>
  `;
}

interface Viewed {
  readonly place: Place;
  readonly live: Live;
  readonly nowMs: number;
}

function View({ place, live, nowMs }: Viewed) {
  if (place.view === "fleet") return html`<${Fleet} fleet=${live.fleet} nowMs=${nowMs} />`;
  if (place.view === "incidents") return html`<${Incidents} fleet=${live.fleet} nowMs=${nowMs} />`;
  const { shown } = live;
  if (shown === undefined || shown.kind !== place.view)
    return html`<p class="loading">Reading the ledger…</p>`;
  return html`<${shownAs(shown)} shown=${shown} nowMs=${nowMs} />`;
}

function shownAs({ kind }: Shown) {
  const views = {
    ...{ rotation: Rotation, incident: Incident, campaign: Campaign },
    ...{ certificate: Certificate, audit: Audit, chain: Chain },
  };
  return views[kind];
}

/** The token comes in the fragment, which no browser sends, and goes out of the address at once. */
async function signIn(): Promise<string | undefined> {
  const token = /^#token=([\w-]{1,200})$/.exec(location.hash)?.[1];
  if (token === undefined) return undefined;
  history.replaceState(null, "", "/#/");
  const answer = await fetch("/session", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ token }),
  });
  return answer.ok ? undefined : await answer.text();
}

function Start() {
  const [refusal, setRefusal] = useState<string | null | undefined>(null);
  useEffect(() => {
    signIn().then(
      (text) => setRefusal(text),
      () => setRefusal("the console does not answer"),
    );
  }, []);
  if (refusal === null) return html`<p class="loading">Opening…</p>`;
  if (refusal === undefined) return html`<${App} />`;
  return html`<div class="loading" role="alert"><p>${refusal}</p><p>Run <code>rekey console</code> again for a new address.</p></div>`;
}

const root = document.getElementById("page");
if (root !== null) {
  root.replaceChildren();
  render(html`<${Start} />`, root);
}
