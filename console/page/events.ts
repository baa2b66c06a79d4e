import { html } from "htm/preact";
import { useState } from "preact/hooks";
import type { EventRow } from "../shown.ts";
import { When } from "./parts.ts";

const pageSize = 25;

/** Newest first, a page of 25 as in AWS's console. */
export function Events({ events, nowMs }: { readonly events: readonly EventRow[]; readonly nowMs: number }) {
  const [count, setCount] = useState(pageSize);
  if (events.length === 0) return html`<p class="none">Nothing is logged yet.</p>`;
  const newest = [...events].reverse().slice(0, count);
  return html`<table class="events">
    <thead><tr><th scope="col" class="number">#</th><th scope="col">When</th><th scope="col">What</th><th scope="col">Who</th><th scope="col">Details</th></tr></thead>
    <tbody>${newest.map(
      ({ seq, atMs, action, actor, detail }) => html`<tr key=${seq}>
        <td class="number">${seq}</td><td><${When} atMs=${atMs} nowMs=${nowMs} /></td><td><b>${action}</b></td><td>${actor.split("/").at(-1)}</td>
        <td class="detail">${Object.entries(detail).map(([name, value]) => html`<span key=${name}><i>${name}</i> ${String(value)}</span>`)}</td>
      </tr>`,
    )}</tbody>
  </table>
  ${events.length > count ? html`<button type="button" class="more" onClick=${() => setCount(count + pageSize)}>older</button>` : null}`;
}
