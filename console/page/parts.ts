import { html } from "htm/preact";
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Advice, Tone } from "../shown.ts";
import { distance, span, utc } from "./time.ts";

/** Colour is never the only sign: each tone has a shape of its own. */
const shapes: Readonly<Record<Tone, string>> = { good: "●", busy: "◐", warn: "▲", bad: "■", quiet: "○" };

export function Badge({ tone, children }: { readonly tone: Tone; readonly children?: ComponentChildren }) {
  return html`<span class=${`badge ${tone}`}><span aria-hidden="true">${shapes[tone]}</span> <span>${children}</span></span>`;
}

/** How long ago or until, with the exact time for those who want it. */
export function When({ atMs, nowMs }: { readonly atMs?: number | undefined; readonly nowMs: number }) {
  if (atMs === undefined) return html`<span class="none">–</span>`;
  return html`<time title=${`${utc(atMs)} UTC`} datetime=${utc(atMs)}>${distance(atMs, nowMs)}</time>`;
}

export function Key({ id }: { readonly id?: string | undefined }) {
  return id === undefined
    ? html`<span class="none">–</span>`
    : html`<code class="key" title=${id}>${id}</code>`;
}

/** What a person may do. The page only shows the command: nothing here changes anything. */
export function Advised({ advice }: { readonly advice: readonly Advice[] }) {
  if (advice.length === 0) return null;
  return html`<ul class="advice">
    ${advice.map((each) => html`<li key=${each.what}><span>${each.what}</span><${Command} ...${each} /></li>`)}
  </ul>`;
}

export function Command({ command }: { readonly command?: string | undefined }) {
  const [isCopied, setCopied] = useState(false);
  if (command === undefined) return null;
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(command);
      setCopied(true);
      setTimeout(() => setCopied(false), 1_500);
    } catch {
      // The browser does not allow it: the text can still be marked and copied by hand.
    }
  };
  return html`<span class="command"><code>${command}</code><button type="button" onClick=${copy} aria-label=${`copy ${command}`}>${isCopied ? "copied" : "copy"}</button></span>`;
}

export function Section({
  title,
  note,
  children,
}: {
  readonly title: string;
  readonly note?: string | undefined;
  readonly children?: ComponentChildren;
}) {
  const id = `section-${title.toLowerCase().replace(/[^a-z]+/g, "-")}`;
  return html`<section aria-labelledby=${id}>
    <h2 id=${id}>${title}${note === undefined ? null : html` <small>${note}</small>`}</h2>
    ${children}
  </section>`;
}

interface Told {
  readonly atMs: number;
  readonly what: string;
  readonly detail: string;
  readonly by?: string;
}

/** What happened, the newest first, with the time of day and how long after the beginning it was. */
export function Story({ told, sinceMs }: { readonly told: readonly Told[]; readonly sinceMs: number }) {
  return html`<ol class="story">${[...told]
    .reverse()
    .map(
      ({ atMs, what, detail, by }, index) =>
        html`<li key=${index}><span class="sub">${utc(atMs).slice(11)} · +${span(atMs - sinceMs)}</span><span><b>${what}</b> ${detail === what ? "" : detail}${by === undefined ? "" : `, by ${by}`}</span></li>`,
    )}</ol>`;
}
