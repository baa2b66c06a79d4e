import { html } from "htm/preact";
import type { CertificateLine, CertificateShown } from "../shown.ts";
import { Advised, Badge, Section } from "./parts.ts";
import { linkTo } from "./place.ts";

/** A certificate as `rekey prove` shows it, as a file, and how to check it without this page. */
export function Certificate({ shown }: { readonly shown: CertificateShown }) {
  const { about, secret, path, state, lines, file, advice } = shown;
  const back = secret === undefined ? linkTo("incident", about) : linkTo("rotation", secret.secretArn, about);
  return html`
    <p class="crumbs"><a href=${back}>${secret === undefined ? "Incident" : secret.name}</a> / certificate</p>
    <h1>Certificate <small>${about}</small></h1>
    <p role="status"><${Badge} tone=${state.tone}>${state.text}<//></p>
    ${path === undefined ? html`<p>It is made when the key is proven dead, or when the run has ended otherwise.</p>` : html`<p class="sub">filed as <code>${path}</code></p>`}
    ${file === undefined ? null : html`<p class="files"><a href=${file.address} download=${file.name}>Download ${file.name}</a><a href=${file.keyAddress} download>Download audit-key.pem</a></p>`}
    ${advice.length === 0 ? null : html`<${Section} title="Check it yourself"><${Advised} advice=${advice} /><//>`}
    ${lines.length === 0 ? null : html`<${Section} title="What it says" note="as rekey prove prints it">${lines.map((line, index) => html`<${Line} key=${index} line=${line} />`)}<//>`}
  `;
}

function Line({ line }: { readonly line: CertificateLine }) {
  if (typeof line === "string") return html`<p class="statement">${line}</p>`;
  const [first, ...rest] = line.rows;
  const [head, rows] = line.isHeaded ? [first, rest] : [undefined, line.rows];
  return html`<table class="titled">
    ${head === undefined ? null : html`<thead><tr>${head.map((title) => html`<th key=${title} scope="col">${sentence(title)}</th>`)}</tr></thead>`}
    <tbody>${rows.map(
      (cells, index) =>
        html`<tr key=${index}>${cells.map((cell, at) => html`<td key=${at} data-title=${sentence(head?.[at] ?? "")}>${cell}</td>`)}</tr>`,
    )}</tbody>
  </table>`;
}

/** The terminal's heads are in capitals. */
function sentence(title: string): string {
  return title.slice(0, 1) + title.slice(1).toLowerCase();
}
