import { html } from "htm/preact";
import type { AuditShown, ChainShown } from "../shown.ts";
import { Badge, When } from "./parts.ts";
import { linkTo } from "./place.ts";

/** Every chain, as the server verifies one after another. */
export function Audit({ shown, nowMs }: { readonly shown: AuditShown; readonly nowMs: number }) {
  const { chains, total, checkpointsRead } = shown;
  const broken = chains.filter(({ verified }) => !verified);
  const entries = chains.reduce((sum, chain) => sum + chain.entries, 0);
  const worstFirst = [...broken, ...chains.filter(({ verified }) => verified)];
  return html`<h1>Audit <small>${chains.length} of ${total} chains verified, ${entries} entries</small></h1>
    <p role="status">${broken.length > 0 ? html`<${Badge} tone="bad">${broken.length} chains are broken<//>` : html`<${Badge} tone=${chains.length < total ? "busy" : "good"}>${chains.length < total ? "verifying" : "every chain is whole"}<//>`}</p>
    ${checkpointsRead ? null : html`<p class="trouble">Checkpoints are not checked, so a log that was rewritten as a whole would pass: set REKEY_AUDIT_BUCKET and REKEY_AUDIT_KEY_ID.</p>`}
    <table>
      <thead><tr><th scope="col">Chain</th><th scope="col">Result</th><th scope="col" class="number">Entries</th><th scope="col">Signed checkpoint</th><th scope="col">Head</th></tr></thead>
      <tbody>${worstFirst.slice(0, 300).map((chain) => html`<${ChainLine} key=${chain.id} chain=${chain} nowMs=${nowMs} />`)}</tbody>
    </table>
    ${worstFirst.length > 300 ? html`<p class="none">and ${worstFirst.length - 300} more that are whole</p>` : null}`;
}

function ChainLine({ chain, nowMs }: { readonly chain: ChainShown; readonly nowMs: number }) {
  const { id, name, entries, verified, why, checkpoint, headHash } = chain;
  return html`<tr><th scope="row"><a href=${linkTo("chain", id)}>${name}</a></th>
    <td><${Badge} tone=${verified ? "good" : "bad"}>${verified ? "verified" : `broken at ${why}`}<//></td>
    <td class="number">${entries}</td>
    <td>${checkpoint === undefined ? html`<span class="none">none</span>` : html`covers ${Math.min(checkpoint.seq, entries)} of ${entries}, <${When} atMs=${checkpoint.atMs} nowMs=${nowMs} />`}</td>
    <td><code title=${headHash}>${headHash?.slice(0, 12) ?? "–"}</code></td></tr>`;
}
