import { html } from "htm/preact";
import type { ConsumerRow, InstanceRow, RotationShown, Tone } from "../shown.ts";
import { Events } from "./events.ts";
import { MachineGraph } from "./machine-graph.ts";
import { Advised, Badge, Key, Section, When } from "./parts.ts";
import { linkTo } from "./place.ts";
import { distance, span } from "./time.ts";

interface Seen {
  readonly shown: RotationShown;
  readonly nowMs: number;
}

type Run = NonNullable<RotationShown["run"]>;

export function Rotation({ shown, nowMs }: Seen) {
  const { name, environment, provider, owner, state, run, runs, secretArn, advice } = shown;
  const pick = (event: Event) => {
    location.hash = linkTo("rotation", secretArn, (event.target as HTMLSelectElement).value);
  };
  return html`
    <p class="crumbs"><a href="#/">Fleet</a> / ${environment} · ${provider}${owner === undefined ? "" : ` · owned by ${owner}`}</p>
    <h1>${name} <${Badge} tone=${state.tone}>${state.text}<//></h1>
    ${
      run === undefined
        ? html`<p>This secret has never been rotated.</p>`
        : html`
      <div class="runs">
        <label>Run <select value=${run.rotationId} onChange=${pick}>
          ${runs.map((each) => html`<option key=${each.rotationId} value=${each.rotationId}>${each.rotationId} · ${each.outcome} · ${distance(each.openedAtMs, nowMs)}</option>`)}
        </select></label>
        ${run.executionUrl === undefined ? null : html`<a href=${run.executionUrl} rel="noreferrer noopener" target="_blank">Open in AWS's console ↗</a>`}
      </div>
      <${Facts} run=${run} shown=${shown} nowMs=${nowMs} />
      <${Timeline} run=${run} nowMs=${nowMs} />
      ${run.gate === undefined || run.outcome !== "running" ? null : html`<${Gate} gate=${run.gate} nowMs=${nowMs} />`}
    `
    }
    <${Consumers} shown=${shown} nowMs=${nowMs} />
    <${Section} title="What you can do"><${Advised} advice=${advice} /><//>
    ${run === undefined ? null : html`<${Section} title="State machine"><${MachineGraph} machine="rotation" marks=${run.states} /><//>`}
    <${Section} title="Events" note="from the audit log"><${Events} events=${shown.events} nowMs=${nowMs} /><//>
  `;
}

const outcomeTones: Readonly<Record<string, Tone>> = {
  running: "busy",
  rotated: "good",
  needsHuman: "bad",
  rolledBack: "warn",
  contained: "warn",
};

function Facts({ run, shown, nowMs }: Seen & { readonly run: Run }) {
  const took = (run.closedAtMs ?? nowMs) - run.openedAtMs;
  return html`<dl class="facts">
    <div><dt>Outcome</dt><dd><${Badge} tone=${outcomeTones[run.outcome] ?? "quiet"}>${run.outcome}<//></dd></div>
    <div><dt>Started by</dt><dd>${run.trigger}</dd></div>
    <div><dt>${run.closedAtMs === undefined ? "Running for" : "Took"}</dt><dd>${span(took)}</dd></div>
    <div><dt>Retiring key</dt><dd><${Key} id=${run.retiringKeyId} /></dd></div>
    <div><dt>Incoming key</dt><dd><${Key} id=${run.incomingKeyId} /></dd></div>
    ${run.death === undefined ? null : html`<div><dt>Proof of death</dt><dd>${run.death}</dd></div>`}
    <div><dt>Certificate</dt><dd><${CertificateOf} run=${run} shown=${shown} nowMs=${nowMs} /></dd></div>
    ${run.reason === undefined ? null : html`<div class="wide"><dt>Why</dt><dd>${run.reason}</dd></div>`}
  </dl>`;
}

/** Of this run; without one, the newest of the secret. */
function CertificateOf({ run, shown: { secretArn, certified }, nowMs }: Seen & { readonly run: Run }) {
  const link = (rotationId: string, text: string) =>
    html`<a href=${linkTo("certificate", secretArn, rotationId)}>${text}</a>`;
  if (run.certificate === "signed") return link(run.rotationId, "signed and filed");
  const word = run.certificate === "owed" ? "owed: the sweep makes it" : "none yet";
  const earlier =
    certified && html`; ${link(certified.rotationId, `the one of ${distance(certified.atMs, nowMs)}`)}`;
  return html`<span class="none">${word}</span>${earlier}`;
}

/** What has happened and when; the next one is drawn as open. */
function Timeline({ run, nowMs }: { readonly run: Run; readonly nowMs: number }) {
  const steps = [
    { title: "Opened", atMs: run.openedAtMs },
    { title: "Incoming key current", atMs: run.promotedAtMs, isPast: isPast(run, "PromoteVersion") },
    { title: "Retiring key revoked", atMs: run.revokedAtMs, isPast: isPast(run, "RevokeKey") },
    { title: "Observed dead", atMs: run.deadAtMs, isPast: isPast(run, "ProveDead") },
    { title: "Closed", atMs: run.closedAtMs },
  ];
  return html`<ol class="timeline" aria-label="timeline">
    ${steps.map(({ title, atMs, isPast: past = false }) => {
      const isDone = atMs !== undefined || past;
      const word = isDone ? "done" : "not yet";
      return html`<li key=${title} class=${isDone ? "done" : "open"}><span class="title">${title}</span>
        <span class="sub">${atMs === undefined ? word : html`<${When} atMs=${atMs} nowMs=${nowMs} />, after ${span(atMs - run.openedAtMs)}`}</span></li>`;
    })}
  </ol>`;
}

function isPast({ states }: Run, state: string): boolean {
  return states[state] === "done";
}

function Gate({ gate, nowMs }: { readonly gate: NonNullable<Run["gate"]>; readonly nowMs: number }) {
  const { verdict, reasons, askedAtMs } = gate;
  return html`<${Section} title="Before the retiring key may go" note=${`asked ${distance(askedAtMs, nowMs)}`}>
    ${reasons.length === 0 ? html`<p><${Badge} tone="good">${verdict}: nothing is in the way<//></p>` : null}
    <ul class="reasons">${reasons.map(
      ({ text, toEnd }) =>
        html`<li key=${text}><b>${text}</b>${toEnd === undefined ? null : html`<span class="sub">to end it: ${toEnd}</span>`}</li>`,
    )}</ul>
  <//>`;
}

function Consumers({ shown: { consumers, run }, nowMs }: Seen) {
  if (consumers === "none")
    return html`<${Section} title="Consumers"><p>The policy says that nothing uses this key.</p><//>`;
  const isOpen = run?.outcome === "running";
  const all = consumers.flatMap(({ instances }) => instances.filter(isThere));
  const moved = all.filter(({ holds }) => holds === "incoming").length;
  const note =
    isOpen && all.length > 0 ? `${moved} of ${all.length} instances on the incoming key alone` : undefined;
  return html`<${Section} title="Consumers" note=${note}>
    <table class="matrix">
      <caption class="unseen">Which key each instance of each consumer holds</caption>
      <thead><tr><th scope="col">Consumer</th><th scope="col">Instances</th></tr></thead>
      <tbody>${consumers.map((consumer) => html`<${Consumer} key=${`${consumer.environment}/${consumer.name}`} consumer=${consumer} nowMs=${nowMs} />`)}</tbody>
    </table>
    <p class="legend" aria-hidden="true">${["retiring", "both", "incoming", "current", "unknown"].map((holds) => html`<span key=${holds} class=${`chip ${holds}`}>${holds}</span>`)}</p>
  <//>`;
}

function isThere({ hasEnded, forgotten }: InstanceRow): boolean {
  return !hasEnded && forgotten === undefined;
}

function Consumer({ consumer, nowMs }: { readonly consumer: ConsumerRow; readonly nowMs: number }) {
  const { name, environment, isDeclared, wanted, instances, said } = consumer;
  return html`<tr>
    <th scope="row">${name} <span class="sub">${environment}${wanted.length > 0 ? ` · wants ${wanted.join(" + ")}` : ""}</span>${isDeclared ? null : html`<${Badge} tone="warn">not in the policy<//>`}</th>
    <td>
      <ul class="chips">${instances.map((instance) => html`<${Chip} key=${instance.instance} instance=${instance} nowMs=${nowMs} />`)}</ul>
      ${said.map(({ text, atMs }) => html`<p class="said" key=${`${text}${atMs}`}>${text}, <${When} atMs=${atMs} nowMs=${nowMs} /></p>`)}
      ${instances.length + said.length === 0 ? html`<span class="none">nothing heard yet</span>` : null}
    </td>
  </tr>`;
}

function Chip({ instance, nowMs }: { readonly instance: InstanceRow; readonly nowMs: number }) {
  const { holds, isSilent, retiringUsedAtMs, incomingUsedAtMs, source } = instance;
  const uses = [
    incomingUsedAtMs !== undefined && `incoming worked ${distance(incomingUsedAtMs, nowMs)}`,
    retiringUsedAtMs !== undefined && `retiring worked ${distance(retiringUsedAtMs, nowMs)}`,
  ].filter((text) => text !== false);
  return html`<li class=${`chip ${holds}${isSilent ? " silent" : ""}${isThere(instance) ? "" : " ended"}`} title=${[`by ${source}`, ...uses].join(" · ")}>
    <span class="who">${instance.instance}</span><span class="holds">${holds}</span><span class="sub">${lifeOf(instance, nowMs)}</span>
  </li>`;
}

function lifeOf({ hasEnded, forgotten, isSilent, seenAtMs }: InstanceRow, nowMs: number): string {
  if (hasEnded) return "ended";
  if (forgotten !== undefined)
    return `forgotten ${distance(forgotten.atMs, nowMs)} by ${forgotten.by}: ${forgotten.reason}`;
  return isSilent ? `silent for ${span(nowMs - seenAtMs)}` : `seen ${distance(seenAtMs, nowMs)}`;
}
