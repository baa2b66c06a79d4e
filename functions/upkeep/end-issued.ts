import * as z from "zod";
import { RotationError, SecretUnusable } from "../../core/errors.ts";
import {
  changeEndingKey,
  type EndingKey,
  type Issued,
  isDue,
  isLeftOver,
  markEnded,
  markIssued,
  markUndoing,
  probed,
} from "../../core/issue/issued.ts";
import { keyNamesOf } from "../../core/keys.ts";
import { isAcceptance, isDead } from "../../core/rotation/death.ts";
import type { Secret } from "../../core/secret.ts";
import { keyIn } from "../../stores/value.ts";
import type { Deps, With } from "../deps.ts";
import { endSecret, goOnEnding } from "../issue/end-secret.ts";
import { probeDeath } from "../secret/probe-death.ts";
import { askRevokeAgain } from "../secret/repeat-revoke.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { escalator } from "../wiring/parts/escalator.ts";
import { schedules } from "../wiring/parts/schedules.ts";
import { messagePage } from "./message-page.ts";

type EndDeps = With<"schedules" | "escalator">;

const probesMax = 5;
const burstMaxMs = 10_000;
/** Beyond the time in which the provider says that a key dies. */
const patienceMs = 3_600_000;

/**
 * Carries through what `rekey issue` and `rekey retire` began: secrets whose time is over are ended, the keys of ended ones
 * are called until they are proven dead, and an order that nobody repeated leaves no key behind.
 */
export const endIssued = step({
  name: "end-issued",
  input: z.object({ time: stampedAt.optional() }),
  run: async ({ time }, deps: EndDeps) => {
    const nowMs = time ?? deps.clock.nowMs();
    const counts = { ended: 0, dead: 0, undone: 0, failed: 0 };
    for (const issued of await deps.ledger.everyIssued()) {
      try {
        const what = await workOn(issued, nowMs, deps);
        if (what !== undefined) counts[what] += 1;
      } catch (error) {
        if (!(error instanceof RotationError)) throw error;
        counts.failed += 1;
        deps.log({ step: "end-issued", issue: issued.id, outcome: "failed", error: error.name });
      }
    }
    return { outcome: "looked", ...counts };
  },
});

export const handler = onLambda(endIssued, wiring({ schedules, escalator }));

async function workOn(
  issued: Issued,
  nowMs: number,
  deps: EndDeps,
): Promise<"ended" | "dead" | "undone" | undefined> {
  if (isLeftOver(issued, nowMs)) return undo(issued, nowMs, deps);
  if (isDue(issued, nowMs)) {
    const { made, policy, id } = issued;
    const order = { id, by: "rekey", reason: "its time is over", atMs: nowMs };
    const current = made && (await deps.ledger.policy(made.secretArn));
    await endSecret({ ...order, policy: current ?? { ...policy, secretArn: made?.secretArn ?? "" } }, deps);
    return "ended";
  }
  if (issued.state !== "ending") return undefined;
  const revoked = await goOnEnding(issued, deps);
  for (const key of revoked.ending?.keys ?? []) await proveKey({ issued: revoked, key, nowMs }, deps);
  const after = await deps.ledger.changeIssued(issued.name, (now) => markEnded(now ?? revoked));
  if (after.state === "ended") return "dead";
  await pageIfLate(after, nowMs, deps);
  return undefined;
}

/** The order's keys are found by their names: the answer with their ids may be what was lost. */
async function undo(issued: Issued, nowMs: number, deps: Deps): Promise<"undone" | undefined> {
  const { name, made, policy, id } = issued;
  const isAdopted = made !== undefined && (await deps.ledger.policy(made.secretArn)) !== undefined;
  if (issued.state === "made" && isAdopted) {
    await deps.ledger.changeIssued(name, (now) => markIssued(now ?? issued));
    return undefined;
  }
  const undoing = await deps.ledger.changeIssued(name, (now) => markUndoing(now ?? issued, nowMs));
  if (undoing.state !== "undoing") return undefined;
  const provider = deps.provider(policy);
  for (const { keyId } of await provider.list({ namePrefix: keyNamesOf(id) })) await provider.revoke(keyId);
  await deps.ledger.changeIssued(name, (now) => ({ ...(now ?? undoing), state: "undone" }));
  deps.log({ step: "end-issued", issue: id, outcome: "undone" });
  return "undone";
}

interface Proof {
  readonly issued: Issued;
  readonly key: EndingKey;
  readonly nowMs: number;
}

async function proveKey({ issued, key, nowMs }: Proof, deps: Deps): Promise<void> {
  if (key.revokedAtMs === undefined || key.deadAtMs !== undefined) return;
  const policy = { ...issued.policy, secretArn: issued.made?.secretArn ?? "" };
  const provider = deps.provider(policy);
  const secret = await textOf(key, policy, deps);
  if (secret === undefined) {
    if ((await provider.find(key.keyId)) === undefined)
      await markDead({ issued, key, nowMs }, "listing", deps);
    return;
  }
  const { probeEveryMs } = provider.propagation;
  let now = key;
  for (let probes = 0; probes < probesMax && probes * probeEveryMs <= burstMaxMs; probes += 1) {
    if (probes > 0) await deps.clock.pause(probeEveryMs);
    const one = { atMs: deps.clock.nowMs(), ...(await probeDeath({ provider, secret, live: [] }, deps)) };
    now = probed(now, one);
    const kept = now;
    await deps.ledger.changeIssued(issued.name, (stored) =>
      changeEndingKey(stored ?? issued, key.keyId, () => kept),
    );
    if (isDead(now.death, provider.propagation, one))
      return markDead({ issued, key: now, nowMs }, "refused", deps);
    if (isAcceptance(one.answer)) {
      await askRevokeAgain(provider, key.keyId);
      return;
    }
  }
}

async function textOf(
  { versionId }: EndingKey,
  { secretArn, field }: Issued["policy"],
  deps: Deps,
): Promise<Secret | undefined> {
  if (versionId === undefined) return undefined;
  try {
    return keyIn((await deps.store.read(secretArn, versionId)).text, field);
  } catch (error) {
    if (error instanceof SecretUnusable) return undefined;
    throw error;
  }
}

async function markDead(
  { issued, key, nowMs }: Proof,
  how: "listing" | "refused",
  deps: Deps,
): Promise<void> {
  const secretArn = issued.made?.secretArn ?? "";
  const { keyId, fingerprint, death } = key;
  const known = fingerprint === undefined ? {} : { fingerprint };
  await deps.ledger.putKey({ secretArn, name: keyId, keyId, ...known, state: "dead", atMs: nowMs });
  await deps.audit.append(secretArn, {
    ...{ id: `${issued.id}/death/${keyId}`, atMs: nowMs, actor: "rekey", action: "DeathRecorded" },
    detail: { keyId, how, probes: death?.refusals ?? 0 },
  });
  await deps.ledger.changeIssued(issued.name, (stored) =>
    changeEndingKey(stored ?? issued, keyId, (now) => ({ ...now, deadAtMs: nowMs })),
  );
}

/** Once: whoever retired it believes that nothing works any more. */
async function pageIfLate(issued: Issued, nowMs: number, deps: EndDeps): Promise<void> {
  const { ending, name, policy, made } = issued;
  if (ending === undefined || ending.paged === true) return;
  const { dieMs, deadWindowMs } = deps.provider(policy).propagation;
  if (nowMs - ending.atMs < dieMs + deadWindowMs + patienceMs) return;
  const alive = ending.keys.filter(({ deadAtMs }) => deadAtMs === undefined).map(({ keyId }) => keyId);
  const message = {
    ...({ severity: "page", topic: "NoProgress" } as const),
    title: `${name} was retired, and its key is not seen dead`,
    lines: [`not proven dead at ${policy.provider.account}: ${alive.join(", ")}`],
    steps: [
      "Look at the key in the provider's console, and end it there.",
      "Rekey goes on asking, and records its death.",
    ],
    secretArns: made === undefined ? [] : [made.secretArn],
  };
  const { delivered } = await deps.escalator.page(messagePage(message, nowMs));
  if (delivered.length === 0) return;
  await deps.ledger.changeIssued(name, (now) => ({
    ...(now ?? issued),
    ending: { ...ending, ...now?.ending, paged: true },
  }));
}
