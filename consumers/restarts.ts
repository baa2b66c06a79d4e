import type { RestartEvidence } from "../core/adoption/evidence.ts";
import { type ConsumerPolicy, workloadsOf } from "../core/policy.ts";
import type { EvidenceSource, Observing, Platform, RefreshNote, Seen } from "./ports.ts";
import { saidOf } from "./said.ts";
import { consumersAtOnceMax, together } from "./together.ts";
import { type Wiring, wiringOfAll } from "./wiring.ts";

/** Without a circuit breaker ECS never says that a rollout has failed. After this time it is reported as failed. */
export const restartMaxMs = 30 * 60_000;

/** Asks one platform about every consumer whose policy names it as evidence. */
export function restartSource(platform: Platform): EvidenceSource {
  const { kind } = platform;
  return {
    kind,
    async observe(observing) {
      const { consumers } = observing.policy;
      const asked = consumers === "none" ? [] : consumers.filter(({ evidence }) => evidence.includes(kind));
      return together(asked, {
        atOnceMax: consumersAtOnceMax,
        work: (consumer) => observe({ platform, consumer, observing }),
      });
    },
  };
}

interface Asking {
  readonly platform: Platform;
  readonly consumer: ConsumerPolicy;
  readonly observing: Observing;
}

type Judgement = Pick<RestartEvidence, "state" | "instances" | "detail" | "remainingMs" | "wiring">;

async function observe(asking: Asking): Promise<RestartEvidence> {
  const { platform, consumer, observing } = asking;
  const { name, environment, account } = consumer;
  const { incoming, nowMs: observedAtMs } = observing;
  const { versionId } = incoming;
  const who = { kind: platform.kind, consumer: name, environment, account, versionId, observedAtMs };
  return { ...who, ...(await judgeAll(asking)) };
}

/**
 * Workloads are replaced in order. A later one is marked only when the earlier ones are done: a restart
 * before that does not count.
 */
async function judgeAll(asking: Asking): Promise<Judgement> {
  let judged: Judgement = { state: "failed", instances: 0, detail: "its policy names nothing that runs it" };
  const workloads = workloadsOf(asking.consumer, asking.platform.kind);
  for (const workload of workloads) {
    judged = await judgeOne(asking, workload);
    if (judged.state !== "finished") return judged;
  }
  return workloads.length === 0 ? judged : withWiring(judged, { asking, workloads });
}

async function withWiring(
  judged: Judgement,
  { asking, workloads }: { readonly asking: Asking; readonly workloads: readonly string[] },
): Promise<Judgement> {
  const { platform, observing } = asking;
  const { retiring, incoming, policy } = observing;
  const question = { secretArn: policy.secretArn, retiring, incoming };
  try {
    const wirings: Wiring[] = [];
    for (const workload of workloads) wirings.push(await platform.wiring({ ...question, workload }));
    const { reads, detail } = chained(wirings);
    return reads === "current" ? { ...judged, wiring: reads } : { ...judged, wiring: reads, detail };
  } catch (error) {
    const detail = `${platform.kind} did not say what its instances read: ${saidOf(error)}`;
    return { state: "running", instances: judged.instances, detail };
  }
}

/** An External Secret and the pods that it feeds: what one of them shows, the other need not show. */
function chained(wirings: readonly Wiring[]): Wiring {
  const seen = wirings.filter(({ reads }) => reads !== "unseen");
  return wiringOfAll(seen.length > 0 ? seen : wirings);
}

async function judgeOne({ platform, consumer, observing }: Asking, workload: string): Promise<Judgement> {
  const { policy, incoming, nowMs, memory } = observing;
  const { versionId } = incoming;
  const { name, environment, maxStaleMs } = consumer;
  const place = {
    ...{ secretArn: policy.secretArn, environment, consumer: name },
    ...{ versionId, target: workload },
  };
  const stored = await memory.recall(place);
  const looked = await lookAt({ platform, workload, versionId, stored, nowMs, policy });
  if ("unasked" in looked) return { state: "running", instances: 0, detail: looked.unasked };

  const note = noteAfter(looked, nowMs);
  if (JSON.stringify(note) !== JSON.stringify(stored)) await memory.remember(place, note);
  return judge({ seen: looked.seen, note, maxStaleMs, nowMs });
}

interface Looked {
  readonly seen: Seen;
  readonly note: RefreshNote;
}

/** If the platform cannot be asked there is no evidence, and an earlier answer is not used instead. */
async function lookAt(question: {
  readonly platform: Platform;
  readonly workload: string;
  readonly versionId: string;
  readonly stored: RefreshNote | undefined;
  readonly nowMs: number;
  readonly policy: Observing["policy"];
}): Promise<Looked | { readonly unasked: string }> {
  const { platform, workload, versionId, stored, nowMs, policy } = question;
  try {
    const note = stored ?? { before: await platform.marks(workload), firstSeenAtMs: nowMs };
    return { note, seen: await platform.look({ workload, versionId, note }) };
  } catch (error) {
    const why = `${platform.kind} could not be asked: ${saidOf(error)}`;
    return { unasked: `${why}${inAnotherAccount(workload, policy)}` };
  }
}

/** AWS answers as if nothing were there, so that what to do about it has to be said here. */
function inAnotherAccount(workload: string, { secretArn }: Observing["policy"]): string {
  const [account, own] = [workload, secretArn].map((arn) => arn.split(":")[4]);
  const isElsewhere = /^\d{12}$/.test(account ?? "") && /^\d{12}$/.test(own ?? "") && account !== own;
  return isElsewhere
    ? `; it is in account ${account}, whose role belongs under workloadRoles of the stage's file`
    : "";
}

function noteAfter({ seen, note }: Looked, nowMs: number): RefreshNote {
  const { replacedAtMs = nowMs, replacingAtMs = nowMs, ...rest } = { ...note, ...seen.note };
  switch (seen.progress) {
    case "replaced":
      return { ...rest, replacedAtMs };
    case "replacing":
      return { ...rest, replacingAtMs };
    case "untouched":
    case "failed":
      return rest;
  }
}

function judge(view: {
  readonly seen: Seen;
  readonly note: RefreshNote;
  readonly maxStaleMs: number;
  readonly nowMs: number;
}): Judgement {
  const { seen, note, maxStaleMs, nowMs } = view;
  const { instances, detail } = seen;
  switch (seen.progress) {
    case "untouched":
      return { state: "running", instances, detail };
    case "failed":
      return { state: "failed", instances, detail };
    case "replacing": {
      const isStuck = nowMs - (note.replacingAtMs ?? nowMs) >= restartMaxMs;
      if (!isStuck) return { state: "running", instances, detail };
      return { state: "failed", instances, detail: `no end after ${restartMaxMs / 60_000} min: ${detail}` };
    }
    case "replaced": {
      // Former instances run on while they drain, and may use a stale key for their last requests.
      const remainingMs = (note.replacedAtMs ?? nowMs) + maxStaleMs - nowMs;
      if (remainingMs <= 0) return { state: "finished", instances, detail };
      const draining = "all replaced; the former instances may still be draining";
      return { state: "running", instances, detail: draining, remainingMs };
    }
  }
}
