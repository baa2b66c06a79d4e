import type { Policy } from "../../../core/policy.ts";
import { promotedRun } from "../../../core/rotation/secret-record.ts";
import { placeHold, releaseHold } from "../../../core/rotation/wait.ts";
import { Secret } from "../../../core/secret.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { signerFor } from "../../../sdk/client/proof.ts";
import { keyIn, withKey } from "../../../stores/value.ts";
import type { WatchedSecret } from "../rules/witness.ts";
import type { Simulated } from "../run/simulated.ts";
import { account, secretArnOf } from "../world/account.ts";
import { giveOrder } from "./orders.ts";
import type { Happening } from "./plan.ts";
import { press } from "./press.ts";
import { hasRoom } from "./shape-plan.ts";
import { supply } from "./supply.ts";

/** Lets one thing of the plan happen. What makes no sense at this moment does not happen. */
export async function happen(simulation: Simulated, happening: Happening): Promise<void> {
  const secret = simulation.secrets[happening.secret];
  if (secret === undefined) return;
  const { watch, world } = simulation;
  watch.tell(`${happening.kind} ${secret.policy.name}`);
  switch (happening.kind) {
    case "rotate":
      startOnce(simulation, { secret, name: happening.name });
      return;
    case "resume":
      return resume(simulation, { secret, by: happening.by });
    case "supply":
      return supply(simulation, { secret });
    case "hold":
    case "release":
      await world.ledger.changeSecret(secret.secretArn, (record) =>
        happening.kind === "hold"
          ? placeHold(record, { by: "ops", reason: "a launch" })
          : releaseHold(record),
      );
      return;
    case "orderStop":
    case "liftStop":
      return orderStop(simulation, { secret, scope: happening.scope, isOn: happening.kind === "orderStop" });
    case "stopRun":
      runsOf(simulation, secret)
        .find(({ outcome }) => outcome === undefined)
        ?.stop("by hand");
      return;
    case "abort": {
      const running = runsOf(simulation, secret).findLast(({ outcome }) => outcome === undefined);
      if (running === undefined) return;
      const command = { command: "abort", rotation: running.rotationId, reason: "something is wrong" };
      await simulation.outside.order(command);
      return;
    }
    case "press":
      return press(simulation, secret);
    case "redrive": {
      const failed = runsOf(simulation, secret).findLast(({ outcome }) => outcome !== undefined);
      if (failed) watch.tell(`${failed.rotationId} ${world.redrive(failed)}`);
      return;
    }
    case "placeTrouble":
      return placeTrouble(simulation, happening);
    case "leave":
    case "approveAlone":
    case "forget":
      return giveOrder(simulation, { secret, happening });
    case "copyKey":
      return copyKey(simulation, secret);
    case "declare":
      return declare(simulation, secret);
    case "impostor":
      return impostor(simulation, { secret, happening });
    case "startInstance":
      await simulation.startInstance(secret, happening.consumer);
      return;
    case "batch":
      return batch(simulation, { secret, consumer: happening.consumer });
    case "freeze":
    case "thaw":
    case "kill":
    case "stop":
      return changeInstance(simulation, { secret, kind: happening.kind, consumer: happening.consumer });
    default:
      return changeByHand(simulation, { secret, kind: happening.kind });
  }
}

async function placeTrouble(
  { world, watch }: Simulated,
  { place, trouble }: Extract<Happening, { kind: "placeTrouble" }>,
): Promise<void> {
  watch.tell(`${trouble} ${place}`);
  await world.places?.meet(place, trouble, watch.step);
}

const runsOf = ({ world }: Simulated, { secretArn }: WatchedSecret) =>
  [...world.runs.values()].filter((run) => run.secretArn === secretArn);

async function resume(
  simulation: Simulated,
  { secret, by }: { readonly secret: WatchedSecret; readonly by: "redrive" | "nextRun" | "word" },
): Promise<void> {
  const { world, watch, outside } = simulation;
  const [incident] = watch.incidents.keys();
  const failed = [...world.runs.values()].findLast(({ outcome }) => outcome !== undefined);
  if (by === "nextRun") startOnce(simulation, { secret, name: "r-next" });
  if (by === "redrive" && failed !== undefined) world.redrive(failed);
  if (by === "word" && incident !== undefined)
    await outside.order({ command: "incident-contain-now", incident, reason: "it takes too long" });
}

/** Step Functions starts no second execution of one name. */
export function startOnce(
  { world }: Simulated,
  { secret, name }: { readonly secret: WatchedSecret; readonly name: string },
): void {
  const isKnown = [...world.runs.values()].some(({ rotationId }) => rotationId === name);
  if (!isKnown) world.start(secret.secretArn, name);
}

async function orderStop(
  { watch, world }: Simulated,
  order: {
    readonly secret: WatchedSecret;
    readonly scope: "all" | "secret" | "provider";
    readonly isOn: boolean;
  },
): Promise<void> {
  const { secretArn, policy } = order.secret;
  const scope = { all: "all", secret: secretArn, provider: `provider/${policy.provider.account}` }[
    order.scope
  ];
  if (!order.isOn) {
    watch.stops.delete(scope);
    await world.ledger.removeStop(scope);
    return;
  }
  await world.ledger.putStop({ scope, by: "ops", reason: "an outage", includingIncidents: false });
  watch.stops.set(scope, { step: watch.step, what: scope });
}

/** Somebody copies the key into a second secret that Rekey knows of. */
async function copyKey({ watch, world }: Simulated, secret: WatchedSecret): Promise<void> {
  const { secretArn, policy } = secret;
  const { text, versionId } = await world.store.read(secretArn);
  const fingerprint = fingerprintOf(keyIn(text, policy.field));
  const copyArn = secretArnOf(`copy-of-${policy.name}`);
  await world.ledger.putHolder({ fingerprint, secretArn: copyArn, versionId, role: "index" });
  secret.copies.push({ fingerprint, copyArn, versionId });
  watch.held(fingerprint, copyArn);
}

async function declare(simulation: Simulated, secret: WatchedSecret): Promise<void> {
  const { world, watch } = simulation;
  const policy = secret.declarations.at(-1)?.policy ?? secret.policy;
  const known = policy.consumers === "none" ? [] : policy.consumers;
  if (known.some(({ name }) => name === "late")) return;
  const late: Policy = {
    ...policy,
    consumers: [
      ...known,
      {
        ...{ name: "late", environment: "production", account, evidence: ["client"], maxStaleMs: 10_000 },
        ...{ demandUse: false, refresh: { kind: "announce" } },
      },
    ],
  };
  await world.ledger.putPolicy(late);
  secret.declarations.push({ step: watch.step, policy: late });
  await simulation.startInstanceOf(secret, {
    ...{ name: "late", maxStaleMs: 10_000, refreshEveryMs: 5_000, useEveryMs: 5_000, reportEveryMs: 15_000 },
  });
}

/** The right names, and the key that the gate waits for, from where the policy does not expect them. */
async function impostor(
  { world, watch, secrets }: Simulated,
  { secret, happening }: { readonly secret: WatchedSecret; readonly happening: Happening },
): Promise<void> {
  if (happening.kind !== "impostor") return;
  const victim = secret.instances.find(({ consumer }) => consumer.name === `app-${happening.consumer}`);
  const run = secrets.find((one) => one === secret)?.record?.run;
  if (victim === undefined || run === undefined || run.phase === "opened") return;
  const { fingerprint, versionId } = run.incoming;
  const elsewhere = victim.consumer.environment === "staging" ? "development" : "staging";
  const from = {
    ...{ environment: victim.consumer.environment, account },
    ...(happening.from === "environment" && { environment: elsewhere }),
    ...(happening.from === "account" && { environment: "production", account: "999900001111" }),
  };
  const instance = happening.from === "ghost" ? `ghost-${happening.atMs}/1` : victim.id;
  const sequence =
    happening.from === "silencer"
      ? Number.MAX_SAFE_INTEGER - 1e6 + happening.atMs
      : 1_000_000 + happening.atMs;
  const report = {
    ...({ schema: 1, kind: "client", cause: "changed", sdk: "rekey-client/0.1.0" } as const),
    ...{ consumer: victim.consumer.name, instance, sequence, maxStaleMs: 1_000 },
    ...{ secretArn: secret.secretArn, holds: { fingerprint, versionId } },
    uses: [{ fingerprint, lastSuccessAgoMs: 0, lastRefusalAgoMs: null }],
  };
  // A silencer is a program with the same key and role: its signature is right.
  const [text] = [...watch.keyIds].find(([, keyId]) => keyId === run.incoming.keyId) ?? [];
  const isSigned = happening.from === "silencer" && text !== undefined;
  world.report(from, isSigned ? { ...report, proof: signerFor(text)(report, world.time.nowMs()) } : report);
}

const batchMs = 3_500;

async function batch(
  simulation: Simulated,
  { secret, consumer }: { readonly secret: WatchedSecret; readonly consumer: number },
): Promise<void> {
  const planned = simulation.plan.secrets[simulation.secrets.indexOf(secret)]?.consumers[consumer];
  if (planned === undefined) return;
  const job = await simulation.startInstanceOf(secret, {
    ...planned.options,
    useEveryMs: 1_500,
    reportEveryMs: 2_000,
  });
  setTimeout(() => job.stop({ silently: false }), batchMs);
}

async function changeInstance(
  simulation: Simulated,
  change: {
    readonly secret: WatchedSecret;
    readonly kind: "freeze" | "thaw" | "kill" | "stop";
    readonly consumer: number;
  },
): Promise<void> {
  const { secret, kind, consumer } = change;
  const planned = simulation.plan.secrets[simulation.secrets.indexOf(secret)]?.consumers[consumer];
  const running = secret.instances.filter(
    (one) => !one.isStopped && one.consumer.name === planned?.options.name,
  );
  const [instance] = running;
  if (kind === "freeze") instance?.freeze();
  if (kind === "thaw") for (const one of running) one.thaw();
  if (kind === "kill") instance?.stop({ silently: true });
  if (kind === "stop") instance?.stop({ silently: false });
}

type ByHand = "newKeyByHand" | "rollBack" | "putBack" | "editField" | "stalePending";

/** What somebody with the console does to the secret, knowing nothing of Rekey. */
async function changeByHand(
  { watch, world, plan }: Simulated,
  { secret, kind }: { readonly secret: WatchedSecret; readonly kind: ByHand },
): Promise<void> {
  const { secretArn, policy } = secret;
  const { store } = world;
  const { text } = await store.read(secretArn);
  switch (kind) {
    case "newKeyByHand": {
      if (!hasRoom(plan, world.provider.state())) return;
      const { keyId, secret: key } = world.provider.addKey({
        name: "by hand again",
        scopes: policy.scopes ?? [],
      });
      watch.learn({ keyId, text: key.reveal() });
      store.setCurrent(secretArn, withKey(text, policy.field, key).reveal(), world.nextVersionId());
      break;
    }
    case "rollBack": {
      const previous = store.versions(secretArn).find(({ labels }) => labels.includes("AWSPREVIOUS"));
      if (previous === undefined) return;
      store.moveByHand({ secretArn, label: "AWSCURRENT", to: previous.versionId });
      break;
    }
    case "putBack": {
      const retiring = promotedRun(secret.record?.run)?.retiring.keyId;
      const old = store.versions(secretArn).find((one) => watch.keyIdIn(one.text, policy) === retiring);
      if (retiring === undefined || old === undefined) return;
      store.setCurrent(secretArn, old.text.reveal(), world.nextVersionId());
      break;
    }
    case "editField": {
      const edited = text.reveal().replace('"limit": 10', '"limit": 11');
      store.setCurrent(secretArn, edited, world.nextVersionId());
      break;
    }
    case "stalePending": {
      const other = withKey(text, policy.field, new Secret("not-a-key-of-anybody"));
      await store.put({ secretArn, versionId: world.nextVersionId(), text: other, labels: ["AWSPENDING"] });
      break;
    }
  }
  watch.handMoved(secretArn);
}
