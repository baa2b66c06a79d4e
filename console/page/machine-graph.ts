import { html } from "htm/preact";
import { useEffect, useRef } from "preact/hooks";
import type { DrawnGraph } from "../graph.ts";
import type { StateMark } from "../shown.ts";

/** Laid out when the page was built (console/build.ts). */
declare const GRAPHS: Readonly<Record<"rotation" | "compromise", DrawnGraph>>;

const words: Readonly<Record<StateMark, string>> = {
  done: "succeeded",
  running: "running",
  failed: "failed",
  caught: "caught an error",
};

interface Drawn {
  readonly machine: keyof typeof GRAPHS;
  readonly marks: Readonly<Record<string, StateMark>>;
}

/** The state machine in the colours of AWS's console: green, blue, red, orange, and grey for what was not entered. */
export function MachineGraph({ machine, marks }: Drawn) {
  const { nodes, edges, width, height } = GRAPHS[machine];
  const known = new Set(nodes.map(({ name }) => name));
  const entered = Object.entries(marks).filter(([name]) => known.has(name));
  // The marks are in the order in which the states were passed.
  const steps = new Set(entered.map(([name], index) => `${entered[index - 1]?.[0]} ${name}`));
  const frame = useRef<HTMLElement>(null);
  const atWork = entered.find(([, mark]) => mark === "running" || mark === "failed")?.[0];
  useEffect(() => {
    const node = frame.current?.querySelector(".node.running, .node.failed");
    if (!frame.current || !node) return;
    const [outer, inner] = [frame.current.getBoundingClientRect(), node.getBoundingClientRect()];
    frame.current.scrollBy(
      inner.left - outer.left - outer.width / 2,
      inner.top - outer.top - outer.height / 2,
    );
  }, [atWork]);
  return html`<div ref=${frame} class="graph" tabindex="0" role="region" aria-label="graph of the state machine, can be scrolled">
    <svg viewBox=${`0 0 ${width} ${height}`} width=${width} height=${height} aria-hidden="true">
      <defs><marker id="arrow" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0,0 L8,4 L0,8 z" /></marker></defs>
      ${edges.map(
        ({ from, to, kind, path }) =>
          html`<path key=${`${from} ${to}`} d=${path} class=${`edge ${kind}${steps.has(`${from} ${to}`) ? " passed" : ""}`} marker-end="url(#arrow)" />`,
      )}
      ${nodes.map(
        ({
          name,
          type,
          x,
          y,
          width: w,
          height: h,
          comment,
        }) => html`<g key=${name} class=${`node ${type} ${marks[name] ?? ""}`} transform=${`translate(${x} ${y})`}>
          <rect width=${w} height=${h} rx=${type === "Choice" ? 3 : h / 2} />
          <text x=${w / 2} y=${h / 2 + 4} text-anchor="middle">${name}</text>${comment === undefined ? null : html`<title>${comment}</title>`}
        </g>`,
      )}
    </svg>
    <ol class="unseen">${entered.map(([name, mark]) => html`<li key=${name}>${name}: ${words[mark]}</li>`)}</ol>
  </div>
  <p class="legend graph-legend" aria-hidden="true">${Object.entries(words).map(([mark, word]) => html`<span key=${mark} class=${`dot ${mark}`}>${word}</span>`)}</p>`;
}
