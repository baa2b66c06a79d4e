import { setTimeout as pause } from "node:timers/promises";
import type { IncidentRecord } from "../ledger/incidents.ts";
import { type Demonstration, startDemonstration } from "../local/demonstration.ts";
import { historyOf } from "../local/history.ts";
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
  readonly states: number;
}

/** A live key leaks under traffic: how long until the provider took the revoke, and until the key was seen dead. */
export async function compromiseRows(): Promise<BenchRow[]> {
  const measured: Measured[] = [];
  for (let run = 0; run < runs; run++) measured.push(await measure());
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
      { name: "leak: states entered until accepted, all branches", unit: "states" },
      figures(({ states }) => states),
    ),
  ];
}

async function measure(): Promise<Measured> {
  const calls: { readonly operation: string; readonly atMs: number }[] = [];
  const note = ({ operation }: { operation: string }) => {
    calls.push({ operation, atMs: Date.now() });
    return undefined;
  };
  const company = await startDemonstration({
    plan: "contain-first",
    provider: { ...provider, faults: note },
  });
  try {
    await company.rekey("apply", "--file", company.policyFile);
    await pause(settleMs);
    await company.rekey("report", company.leakIntoReport());
    const incident = await closed(company);
    const [key] = incident.keys;
    const { detectedAtMs } = incident;
    const acceptedAtMs = key?.acceptedAtMs ?? Number.NaN;
    const atProvider = calls.filter(
      ({ operation, atMs }) => operation !== "use" && atMs >= detectedAtMs && atMs < acceptedAtMs,
    );
    return {
      acceptedMs: acceptedAtMs - detectedAtMs,
      deadMs: (key?.deadAtMs ?? Number.NaN) - detectedAtMs,
      overheadMs: acceptedAtMs - detectedAtMs - atProvider.length * provider.latencyMs,
      states: await statesUntil(company, { incident, atMs: acceptedAtMs }),
    };
  } finally {
    await company.close();
  }
}

async function closed(company: Demonstration): Promise<IncidentRecord> {
  for (const untilMs = Date.now() + runMaxMs; Date.now() < untilMs; ) {
    const [incident] = await company.ledger.incidents.incidents();
    if (incident?.status === "closed") return incident;
    await pause(pollMs);
  }
  throw new Error("the bench's incident is not over");
}

async function statesUntil(
  company: Demonstration,
  { incident, atMs }: { readonly incident: IncidentRecord; readonly atMs: number },
): Promise<number> {
  const passages = await historyOf(company.cloud, incident.executionArn ?? "");
  return passages.filter(({ enteredAtMs }) => enteredAtMs <= atMs).length;
}
