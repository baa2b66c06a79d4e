import type { TwoPeople } from "../../../core/orders.ts";
import { promotedRun } from "../../../core/rotation/secret-record.ts";
import type { WatchedSecret } from "../rules/witness.ts";
import type { Simulated } from "../run/simulated.ts";
import { account } from "../world/account.ts";
import type { Instance } from "../world/consumer.ts";
import type { Happening } from "./plan.ts";

interface Giving {
  readonly secret: WatchedSecret;
  readonly happening: Happening;
}

/** Orders about a secret, or about one of its instances, that people give at the wrong moment. */
export async function giveOrder(simulation: Simulated, giving: Giving): Promise<void> {
  switch (giving.happening.kind) {
    case "leave":
      return leave(simulation, giving.secret);
    case "approveAlone":
      return approveAlone(simulation);
    case "forget":
      return forget(simulation, giving);
    default:
  }
}

const triesMax = 6;
const againMs = 2_000;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Whoever gets no answer asks again. Somebody else takes the secret up again at once, as `rekey apply` does. */
async function leave({ outside, world }: Simulated, secret: WatchedSecret): Promise<void> {
  const { secretArn } = secret;
  const order = { command: "leave", secret: secretArn, reason: "it is another team's now" };
  for (let tries = 0; tries < triesMax; tries++) {
    const said = await outside.order(order).catch(() => undefined);
    const isOver = (await world.ledger.policy(secretArn)) === undefined;
    if (said?.["outcome"] === "refused" && !isOver) return;
    if (said?.["outcome"] === "left" || isOver) {
      await world.ledger.putPolicy(secret.declarations.at(-1)?.policy ?? secret.policy);
      return;
    }
    await pause(againMs);
  }
}

export const ruleOfTwo: TwoPeople = {
  mayAsk: ["AWSReservedSSO_Ask_0123456789abcdef"],
  mayApprove: ["AWSReservedSSO_Approve_0123456789abcdef"],
};

/** O7: one person has both roles, and the session's name tells who it is. */
async function approveAlone({ outside, watch }: Simulated): Promise<void> {
  const as = (role: string | undefined) => `arn:aws:sts::${account}:assumed-role/${role}/ada@example.com`;
  const [asks, approves] = [as(ruleOfTwo.mayAsk[0]), as(ruleOfTwo.mayApprove[0])];
  const order = { command: "stop", all: true, includingIncidents: true, reason: "a launch" };
  const asked = await outside.order(order, { principal: asks, twoPeople: ruleOfTwo });
  const id = asked?.["order"];
  if (asked?.["outcome"] !== "pending") return;
  const shown = await outside.order(
    { command: "approve", order: id },
    { principal: approves, twoPeople: ruleOfTwo },
  );
  const confirm = { command: "approve", order: id, digest: shown?.["digest"] };
  const said = await outside.order(confirm, { principal: approves, twoPeople: ruleOfTwo });
  if (said?.["approvedBy"] !== undefined)
    watch.violate("O7", `${id} is carried out, and the person who approved it had asked for it`);
}

/** Only an instance that is silent may be forgotten. This one falls silent with the retiring key, and comes back with it. */
async function forget(simulation: Simulated, { secret, happening }: Giving): Promise<void> {
  if (happening.kind !== "forget") return;
  const silent = await holderOfRetiring(secret, `app-${happening.consumer}`);
  if (silent === undefined) return;
  silent.freeze();
  const order = {
    command: "forget",
    secret: secret.secretArn,
    instance: silent.id,
    reason: "its node is gone",
  };
  for (let tries = 0; tries < forgetTriesMax; tries++) {
    const said = await simulation.outside.order(order).catch(() => undefined);
    if (said?.["outcome"] === "forgotten") break;
    await pause(forgetEveryMs);
  }
  await pause(happening.backAfterMs);
  silent.reportAlive();
  await pause(apartMs);
  silent.thaw();
}

const [forgetEveryMs, forgetTriesMax, apartMs] = [1_000, 30, 10_000];
const [lookEveryMs, looksMax] = [200, 300];

/** Once a run has promoted, an instance that has not heard of it yet. */
async function holderOfRetiring(secret: WatchedSecret, name: string): Promise<Instance | undefined> {
  for (let looks = 0; looks < looksMax; looks++) {
    const run = promotedRun(secret.record?.run);
    const isIt = (one: Instance) => one.holds === run?.retiring.fingerprint && one.consumer.name === name;
    if (run?.phase === "promoted") return secret.instances.find((one) => !one.isStopped && isIt(one));
    await pause(lookEveryMs);
  }
  return undefined;
}
