import { setTimeout as pause } from "node:timers/promises";
import type { HistoryEvent } from "@aws-sdk/client-sfn";
import type { IncidentRecord } from "../ledger/incidents.ts";
import { type Demonstration, startDemonstration } from "../local/demonstration.ts";
import { eventsOf } from "../local/history.ts";
import { criticalPath, type Visit } from "./critical-path.ts";
import { openMs, type Span } from "./open-time.ts";
import { type BenchRow, rowOf } from "./row.ts";

const runs = 3;
const runMaxMs = 90_000;
const pollMs = 20;
const settleMs = 1_500;
/** A provider that takes 100 ms for an answer and a second to forget a key, and believes in a new one at once. */
const provider = { latencyMs: 100, dieMs: 1_000, activateMs: 0 };

interface Measured {
  readonly acceptedMs: number;
  readonly deadMs: number;
  readonly overheadMs: number;
  readonly overheadUntilDeadMs: number;
  readonly untilDead: readonly string[];
  readonly states: number;
}

/** A live key leaks under traffic: how long until the provider took the revoke, and until the key was seen dead. */
export async function compromiseRows(): Promise<BenchRow[]> {
  const measured: Measured[] = [];
  for (let run = 0; run < runs; run++) measured.push(await measure());
  const [longest = []] = measured.map(({ untilDead }) => untilDead).sort((a, b) => b.length - a.length);
  const figures = (pick: (one: Measured) => number) => measured.map(pick);
  return [
    rowOf(
      { name: "leak: alert to revoke accepted", unit: "ms", budget: 2_000 },
      figures(({ acceptedMs }) => acceptedMs),
    ),
    rowOf(
      { name: "leak: alert to observed dead", unit: "ms", budget: 5_000 },
      figures(({ deadMs }) => deadMs),
    ),
    rowOf(
      { name: "leak: machine overhead until accepted", unit: "ms", budget: 1_000 },
      figures(({ overheadMs }) => overheadMs),
    ),
    rowOf(
      { name: "leak: overhead until dead, its second to die included", unit: "ms" },
      figures(({ overheadUntilDeadMs }) => overheadUntilDeadMs),
    ),
    rowOf(
      { name: "leak: critical path until dead", unit: "states", detail: longest.join(" → ") },
      figures(({ untilDead }) => untilDead.length),
    ),
    rowOf(
      { name: "leak: states entered until accepted, all branches", unit: "states" },
      figures(({ states }) => states),
    ),
  ];
}

async function measure(): Promise<Measured> {
  const calls: ProviderCall[] = [];
  const note = ({ operation }: { operation: string }) => {
    const fromMs = Date.now();
    calls.push({ operation, fromMs, toMs: fromMs + provider.latencyMs });
    return undefined;
  };
  const company = await startDemonstration({
    plan: "contain-first",
    provider: { ...provider, faults: note },
  });
  try {
    await company.rekey("apply", company.policyFile);
    await pause(settleMs);
    await company.rekey("report", company.leakIntoReport());
    return await figuresOf({
      calls,
      incident: await closed(company),
      events: (incident) => eventsOf(company.cloud, incident.executionArn ?? ""),
    });
  } finally {
    await company.close();
  }
}

interface ProviderCall extends Span {
  readonly operation: string;
}

async function figuresOf(run: {
  readonly calls: readonly ProviderCall[];
  readonly incident: IncidentRecord;
  readonly events: (incident: IncidentRecord) => Promise<readonly HistoryEvent[]>;
}): Promise<Measured> {
  const { calls, incident } = run;
  const { detectedAtMs } = incident;
  const { acceptedAtMs = Number.NaN, deadAtMs = Number.NaN } = incident.keys[0] ?? {};
  const events = await run.events(incident);
  const until = (state: string, atMs: number) => criticalPath(events, { state, atMs });
  const [toAccepted, toDead] = [until("ContainKey", acceptedAtMs), until("ProveContained", deadAtMs)];
  const asked = calls.filter(({ operation }) => operation !== "use");
  const overhead = (path: readonly Visit[], toMs: number) =>
    toMs - detectedAtMs - openMs(onPath(asked, path), { fromMs: detectedAtMs, toMs });
  return {
    acceptedMs: acceptedAtMs - detectedAtMs,
    deadMs: deadAtMs - detectedAtMs,
    overheadMs: overhead(toAccepted, acceptedAtMs),
    overheadUntilDeadMs: overhead(toDead, deadAtMs),
    untilDead: toDead.map(({ state }) => state),
    states: visitsUntil(events, acceptedAtMs),
  };
}

/** Calls of other branches meanwhile delay nothing. */
function onPath(calls: readonly ProviderCall[], path: readonly Visit[]): readonly ProviderCall[] {
  const tasks = path.filter(({ isTask }) => isTask);
  const isIn = ({ fromMs }: Span, { enteredAtMs, exitedAtMs = Number.POSITIVE_INFINITY }: Visit) =>
    fromMs >= enteredAtMs && fromMs <= exitedAtMs;
  return calls.filter((call) => tasks.some((task) => isIn(call, task)));
}

function visitsUntil(events: readonly HistoryEvent[], atMs: number): number {
  return events.filter(
    ({ stateEnteredEventDetails, timestamp }) =>
      stateEnteredEventDetails !== undefined && (timestamp?.getTime() ?? 0) <= atMs,
  ).length;
}

async function closed(company: Demonstration): Promise<IncidentRecord> {
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; ) {
    const [incident] = await company.ledger.incidents.incidents();
    if (incident?.status === "closed") return incident;
    await pause(pollMs);
  }
  throw new Error("the bench's incident is not over");
}
