import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { intakeChains } from "../audit/intake-log.ts";
import { Secret } from "../core/secret.ts";
import { signatureHeader, signEnvelope } from "../events/intake/edge/signed-envelope.ts";
import type { IncidentRecord } from "../ledger/incidents.ts";
import { type Demonstration, startDemonstration } from "../local/demonstration.ts";
import type { Timed } from "../local/functions.ts";
import { secretText } from "../local/send-alert.ts";
import { nameOf } from "./cold.ts";
import { type BenchRow, rowOf } from "./row.ts";

/** What somebody with a signing secret can do to the real intake, as it runs in the local cloud. */
export interface Attacked {
  /** 130 alerts of many sizes about the live key: from the first one on until its revoke was accepted and it was seen dead. */
  readonly flood: { readonly acceptedMs: number; readonly deadMs: number; readonly orders: readonly Given[] };
  /** 50 posts at once: how long each took, and how many of them the audit log has. */
  readonly burst: {
    readonly ms: readonly number[];
    /** Of everything that the local cloud did until the last answer. */
    readonly cpuMs: number;
    readonly statuses: readonly number[];
    readonly audited: number;
  };
  /** One post of nearly 6 MB that means nothing; `cpuMs` of the thread in which the intake function alone runs. */
  readonly hostile: { readonly cpuMs: number; readonly ms: number; readonly status: number };
}

interface Given {
  readonly order: string;
  readonly isDone: boolean;
  readonly said: string;
}

export const floodAlerts = 130;
export const burstPosts = 50;
const requests = 13;
const megabyte = 1024 * 1024;
const waitMaxMs = 150_000;
const pollMs = 50;
/** In which a leaked key has to be dead or somebody told. */
const deadlineMs = 15 * 60_000;
/** A provider that takes 100 ms for an answer and a second to forget a key. */
const provider = { latencyMs: 100, dieMs: 1_000, activateMs: 0 };
const reason = "measuring";

/** In milliseconds, CPU and requests; `ok` only where nothing was lost and every order worked. */
export async function attackRows(): Promise<BenchRow[]> {
  const { flood, burst, hostile } = await attacked();
  const failed = flood.orders.filter(({ isDone }) => !isDone);
  const lost = burstPosts - burst.audited;
  const detail = failed.map(({ order, said }) => `${order}: ${said.trim()}`).join("; ");
  return [
    rowOf({ name: "attack: 130 alerts, first one to revoke accepted", unit: "ms", budget: deadlineMs }, [
      flood.acceptedMs,
    ]),
    rowOf({ name: "attack: 130 alerts, first one to observed dead", unit: "ms", budget: deadlineMs }, [
      flood.deadMs,
    ]),
    rowOf(
      { name: "attack: orders that failed meanwhile", unit: "orders", budget: 0, ...(detail && { detail }) },
      [failed.length],
    ),
    rowOf({ name: "attack: 50 posts at once, the slowest answer", unit: "ms", budget: 2_000 }, [
      Math.max(...burst.ms),
    ]),
    rowOf({ name: "attack: 50 posts at once, CPU until the last answer", unit: "ms" }, [burst.cpuMs]),
    rowOf({ name: "attack: 50 posts at once, lost in the audit log", unit: "entries", budget: 0 }, [lost]),
    rowOf({ name: "attack: 6 MB of nothing, CPU of the intake function", unit: "ms", budget: 2_000 }, [
      hostile.cpuMs,
    ]),
    rowOf(
      { name: "attack: 6 MB of nothing, until its answer", unit: "ms", detail: `answered ${hostile.status}` },
      [hostile.ms],
    ),
  ];
}

export async function attacked(): Promise<Attacked> {
  const calls: Timed[] = [];
  const onCall = (call: Timed) => void calls.push(call);
  const company = await startDemonstration({ plan: "contain-first", provider, onCall });
  try {
    const post = await poster(company);
    // The first request loads the function's code.
    await post(alertsBody([{ id: "warm-up", key: "FAKE-warm-up-0000000000" }]));
    const hostile = await hostileRequest(post, calls);
    const flood = await floodOf(company, post);
    return { hostile, flood, burst: await burstOf(company, post) };
  } finally {
    await company.close();
  }
}

type Post = (body: string) => Promise<number>;

async function poster({ cloud }: Demonstration): Promise<Post> {
  const secret = new Secret(await secretText(cloud, "rekey/intake/report"));
  const url = `${cloud.outputs["IntakeUrl"]?.replace(/\/$/, "")}/intake/report`;
  return async (body) => {
    const signature = signEnvelope({ secret, body, nowMs: Date.now(), nonce: randomUUID() });
    const headers = { [signatureHeader]: signature };
    const { status } = await fetch(url, { method: "POST", headers, body });
    return status;
  };
}

const alertsBody = (alerts: readonly object[]) => JSON.stringify({ alerts });

/** The function has a thread of its own in the local cloud; its sender and the stand-ins of AWS are in others. */
async function hostileRequest(post: Post, calls: Timed[]): Promise<Attacked["hostile"]> {
  const body = `{"alerts":[${"{},".repeat((6 * megabyte - 1_024) / 3)}{}]}`;
  calls.length = 0;
  const startedMs = performance.now();
  const status = await post(body);
  const ms = performance.now() - startedMs;
  const own = calls.filter(({ functionName }) => nameOf(functionName) === "intake");
  if (own.length !== 1) throw new Error(`the intake was called ${own.length} times for one request`);
  return { status, ms, cpuMs: own.reduce((sum, { cpuMs }) => sum + cpuMs, 0) };
}

async function burstOf(company: Demonstration, post: Post): Promise<Attacked["burst"]> {
  const before = await auditedIn(company);
  const cpu = process.cpuUsage();
  const answers = await Promise.all(
    Array.from({ length: burstPosts }, async (_, nth) => {
      const startedMs = performance.now();
      const status = await post(
        alertsBody([{ id: `burst-${nth}`, key: `FAKE-burst-${nth}-${"0".repeat(30)}` }]),
      );
      return { status, ms: performance.now() - startedMs };
    }),
  );
  const { user, system } = process.cpuUsage(cpu);
  const audited = (await auditedIn(company)) - before;
  return {
    audited,
    cpuMs: (user + system) / 1_000,
    ms: answers.map(({ ms }) => ms),
    statuses: answers.map(({ status }) => status),
  };
}

/** Requests that the intake's log has as received, on all of its chains. */
async function auditedIn({ table }: Demonstration): Promise<number> {
  const chains = await Promise.all(intakeChains.map((id) => table.query({ kind: "AUDIT", id })));
  return chains.flat().filter(({ body }) => (body as { readonly action: string }).action === "AlertAccepted")
    .length;
}

/** From a hundred bytes to fifty kilobytes each: together several times what the item of an incident may hold. */
function floodBody(key: string, request: number): string {
  const each = floodAlerts / requests;
  return alertsBody(
    Array.from({ length: each }, (_, nth) => ({
      ...{ id: `flood-${request}-${nth}`, key, exposure: "public", verified: "live" },
      where: Array(1 + ((request + nth) % 12)).fill(
        `https://example.com/${"x".repeat(Math.min(4_000, 100 * 2 ** nth))}`,
      ),
    })),
  );
}

async function floodOf(company: Demonstration, post: Post): Promise<Attacked["flood"]> {
  const { apiKey: key } = JSON.parse(await secretText(company.cloud, company.secretArn)) as {
    readonly apiKey: string;
  };
  const startedMs = Date.now();
  const sent = Promise.all(Array.from({ length: requests }, (_, nth) => post(floodBody(key, nth))));
  // Refused as a whole, it would be no attack.
  const statuses = sent.then((all) => all.filter((status) => status !== 202));
  const { incidentId } = await incidentOf(company, () => true);
  const orders: Given[] = [];
  for (const order of ["contain-now", "note", "ack", "escalate"])
    orders.push({ order, ...(await given(company, [order, incidentId])) });
  const refused = await statuses;
  orders.push({
    order: "posts",
    isDone: refused.length === 0,
    said: `not taken: ${refused.join(", ") || "none"}`,
  });
  const { keys } = await incidentOf(company, (one) => one.keys[0]?.deadAtMs !== undefined);
  const { acceptedAtMs = Number.NaN, deadAtMs = Number.NaN } = keys[0] ?? {};
  return { acceptedMs: acceptedAtMs - startedMs, deadMs: deadAtMs - startedMs, orders };
}

async function given(company: Demonstration, order: readonly string[]): Promise<Omit<Given, "order">> {
  try {
    return { isDone: true, said: await company.rekey("incident", ...order, "--reason", reason) };
  } catch (failed) {
    const { stderr: said = String(failed) } = failed as { readonly stderr?: string };
    // By then the machine may have done what is ordered.
    return { isDone: said.includes("every key of this incident is dead"), said };
  }
}

async function incidentOf(
  { ledger, retiringKeyId }: Demonstration,
  isWanted: (record: IncidentRecord) => boolean,
): Promise<IncidentRecord> {
  for (const untilMs = Date.now() + waitMaxMs; Date.now() < untilMs; ) {
    const found = (await ledger.incidents.incidents()).find(({ keys }) =>
      keys.some(({ keyId }) => keyId === retiringKeyId),
    );
    if (found !== undefined && isWanted(found)) return found;
    await pause(pollMs);
  }
  throw new Error("the incident is not as far as that");
}
