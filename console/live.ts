import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { changeSince, type Fleet } from "./feed.ts";
import type { Shown, Trouble } from "./shown.ts";
import type { Sources } from "./sources.ts";
import { chainEntries, logTail, showAudit } from "./views/audit.ts";
import { showCampaign } from "./views/campaign.ts";
import { certificateReader } from "./views/certificate.ts";
import { showIncident } from "./views/incident.ts";
import { showRotation } from "./views/rotation.ts";

/** What all viewers share: one reader of the fleet, which reads only while somebody looks. */
export interface Shared {
  readonly sources: Sources;
  readonly pollMs: number;
  /** The newest round; begins one if the last is older than `pollMs`. */
  fleet(): Promise<Fleet>;
}

const heartbeatMs = 15_000;
const idMax = 2_048;

interface Stream {
  readonly asked: URLSearchParams;
  readonly shared: Shared;
  readonly ended: AbortSignal;
}

/** Server-sent events: the fleet, and beside it the view that was asked for, each as often as it changes. */
export async function streamTo(response: ServerResponse, { asked, shared, ended }: Stream): Promise<void> {
  const gone = new AbortController();
  response.once("close", () => gone.abort());
  const signal = AbortSignal.any([ended, gone.signal]);
  response.setHeader("content-type", "text/event-stream; charset=utf-8");
  response.flushHeaders();
  const tell = teller(response, signal);
  await Promise.all([
    repeat({ signal, everyMs: shared.pollMs, tell, work: fleetTeller(shared, tell) }),
    viewTeller({ asked, shared, tell, signal }),
    repeat({ signal, everyMs: heartbeatMs, tell, work: async () => tell("heartbeat", {}) }),
  ]);
  response.end();
}

type Tell = (event: "fleet" | "shown" | "trouble" | "heartbeat", data: unknown) => Promise<void>;

/** Waits while the browser is slower than we are, so that nothing piles up here. JSON has no raw line ends. */
function teller(response: ServerResponse, signal: AbortSignal): Tell {
  return async (event, data) => {
    if (signal.aborted) return;
    const hasRoom = response.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    if (!hasRoom) await once(response, "drain", { signal }).catch(() => {});
  };
}

interface Repeated {
  readonly signal: AbortSignal;
  readonly everyMs: number;
  readonly tell: Tell;
  work(): Promise<void>;
}

async function repeat({ signal, everyMs, tell, work }: Repeated): Promise<void> {
  while (!signal.aborted) {
    await work().catch((error: unknown) => tell("trouble", troubleFrom(error)));
    await pause(everyMs, undefined, { signal }).catch(() => {});
  }
}

/** An error's name only: its text may hold what came from outside. */
function troubleFrom(error: unknown): Trouble {
  const name = error instanceof Error ? error.name : "unknown";
  return { text: `the ledger did not answer (${name.slice(0, 80)}); trying again` };
}

function fleetTeller(shared: Shared, tell: Tell): () => Promise<void> {
  let told: Fleet | undefined;
  return async () => {
    const fleet = await shared.fleet();
    const change = changeSince(told, fleet);
    told = fleet;
    if (change !== undefined) await tell("fleet", change);
  };
}

async function viewTeller(stream: {
  readonly asked: URLSearchParams;
  readonly shared: Shared;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}): Promise<void> {
  const { asked, shared, tell, signal } = stream;
  const { sources, pollMs } = shared;
  const view = asked.get("show");
  if (view === "audit") return auditTeller({ sources, tell, signal });
  const read = readerFor(asked, sources);
  if (read === undefined) return;
  let told = "";
  await repeat({
    ...{ signal, tell, everyMs: pollMs },
    async work() {
      const shown = await read();
      if (shown === undefined)
        return tell("trouble", { text: "the ledger knows nothing under this address" });
      const text = JSON.stringify({ ...shown, nowMs: 0 });
      if (text === told) return;
      told = text;
      await tell("shown", shown);
    },
  });
}

function readerFor(asked: URLSearchParams, sources: Sources): (() => Promise<Shown | undefined>) | undefined {
  const id = asked.get("id") ?? "";
  if (id === "" || id.length > idMax) return undefined;
  switch (asked.get("show")) {
    case "rotation": {
      const tail = logTail(id, sources);
      const rotationId = asked.get("run") ?? undefined;
      return async () => showRotation({ secretArn: id, rotationId }, { sources, tail: await tail() });
    }
    case "incident":
      return () => showIncident(id, sources);
    case "campaign":
      return () => showCampaign(id, sources);
    case "certificate":
      return certificateReader({ id, run: asked.get("run") ?? undefined }, sources);
    case "chain":
      return () => chainEntries(id, sources);
    default:
      return undefined;
  }
}

/** Once: it is a proof at a time, and another one is a click away. */
async function auditTeller({
  sources,
  tell,
  signal,
}: {
  readonly sources: Sources;
  readonly tell: Tell;
  readonly signal: AbortSignal;
}): Promise<void> {
  try {
    for await (const shown of showAudit(sources)) {
      if (signal.aborted) return;
      await tell("shown", shown);
    }
  } catch (error) {
    await tell("trouble", troubleFrom(error));
  }
}
