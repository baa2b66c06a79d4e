import type { KeyInScope } from "../../../core/incident/record.ts";
import { promotedRun } from "../../../core/rotation/secret-record.ts";
import { adminOrder } from "../../simulation/plan/admin-order.ts";
import type { AlertStory } from "../../simulation/plan/alert-story.ts";
import { account, secretArnOf } from "../../simulation/world/account.ts";
import type { Run } from "../../simulation/world/step-functions.ts";
import { type BoundaryCall, noFaults, type Surroundings } from "../../simulation/world/surroundings.ts";
import type { World } from "../../simulation/world/world.ts";

export const secretArn = secretArnOf("billing-key");

/** The fingerprint of what AWSCURRENT holds: what a scanner would have found. */
export async function currentFingerprint(world: World, arn = secretArn): Promise<string> {
  const { keys } = await world.ledger.secret(arn);
  return keys.find(({ state }) => state === "current")?.fingerprint ?? "";
}

export async function leakOfCurrent(world: World, story: AlertStory = {}): Promise<AlertStory> {
  return { identity: { kind: "fingerprint", values: [await currentFingerprint(world)] }, ...story };
}

/** Runs time until the secret's run has reached this phase. */
export async function untilPhase(world: World, phase: string, arn = secretArn): Promise<void> {
  for (let steps = 0; steps < stepsMax; steps++) {
    const { run } = await world.ledger.secret(arn);
    if (run?.phase === phase) return;
    await world.time.advance(stepMs);
  }
  throw new Error(`the run never came to ${phase}`);
}

const stepMs = 250;
const stepsMax = 20_000;

export async function onlyKey(world: World, run: Run): Promise<KeyInScope> {
  const [key] = (await world.incidentOf(run)).keys;
  if (key === undefined) throw new Error("the incident has no key in scope");
  return key;
}

/** What happened, without the repeats of a probe: a proof is a row of refusals, and its length is not the story. */
export function effectsOf(world: World): readonly string[] {
  return world.effects.filter(
    (effect, index, all) => effect !== all[index - 1] || !effect.startsWith("verify"),
  );
}

/** What people were told, and in which minute after the first of it. */
export function pagesOf({ pages }: World): readonly (readonly [string, number])[] {
  const since = pages[0]?.atMs ?? 0;
  return pages.map(({ reason, severity, atMs }) => [
    `${severity} ${reason}`,
    Math.round((atMs - since) / 60_000),
  ]);
}

/** Requests of every consumer, and those that failed even after a refresh. */
export function traffic(world: World): { readonly requests: number; readonly failed: number } {
  const instances = [...world.consumers.values()].flatMap((consumer) => consumer.instances);
  return {
    requests: instances.reduce((sum, { requests }) => sum + requests, 0),
    failed: instances.reduce((sum, { failed }) => sum + failed, 0),
  };
}

export async function incomingOf(world: World, arn = secretArn) {
  const { run } = await world.ledger.secret(arn);
  return run === undefined || run.phase === "opened" ? undefined : run.incoming;
}

export async function isPromoted(world: World, arn = secretArn): Promise<boolean> {
  return promotedRun((await world.ledger.secret(arn)).run) !== undefined;
}

/** The first call that fits meets its fate; `effect` does what it would have done. */
export function first(
  fits: (call: BoundaryCall) => boolean,
  fate: (effect: () => Promise<unknown>) => Promise<unknown>,
): Surroundings {
  let isOver = false;
  return {
    ...noFaults,
    call: async <Answer>(call: BoundaryCall, effect: () => Promise<Answer>) => {
      if (isOver || !fits(call)) return effect();
      isOver = true;
      return (await fate(effect)) as Answer;
    },
  };
}

let orders = 0;

/** What a person's command is answered; without `world.time.run`, for whoever is in the midst of a call. */
export async function ordered(
  world: World,
  command: Readonly<Record<string, unknown>>,
): Promise<Readonly<Record<string, unknown>>> {
  orders += 1;
  const id = `order-${orders}`;
  const principal = `arn:aws:iam::${account}:user/FAKE-ops`;
  const { body } = await adminOrder({ command, principal, newId: () => id }, world);
  return JSON.parse(body);
}

export function sweepNow(world: World): Promise<unknown> {
  const time = new Date(world.time.nowMs()).toISOString();
  return world.time.run(world.invoke("sweep", { time }));
}
