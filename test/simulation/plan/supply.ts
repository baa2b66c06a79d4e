import { Secret } from "../../../core/secret.ts";
import { keyIn, withKey } from "../../../stores/value.ts";
import type { WatchedSecret } from "../rules/witness.ts";
import type { Simulated } from "../run/simulated.ts";
import { type Offer, otherProject, type PlannedAnswer } from "./shape-plan.ts";

const lookEveryMs = 4_000;
const looksOftenMax = 4_000;
const looksMax = 20_000;
const seldomMs = 60_000;
/** A person who gets no answer asks once more, and then again. */
const triesMax = 3;
const again: PlannedAnswer = { afterMs: 0, offers: "right" };

/**
 * A person who is asked for a key makes one in the provider's console, stores it as a pending version, and says so.
 * What `answers` says of the first requests comes before it.
 */
export async function supply(
  simulation: Simulated,
  { secret, answers = [] }: { readonly secret: WatchedSecret; readonly answers?: readonly PlannedAnswer[] },
): Promise<void> {
  const { world, watch } = simulation;
  let answered = 0;
  for (let looks = 0; looks < looksMax && watch.violations.length === 0; looks++) {
    const wanted = world.events.filter(
      ({ type, secretArn }) => type === "KeyWanted" && secretArn === secret.secretArn,
    ).length;
    if (wanted > answered) {
      const answer = answers[answered] ?? again;
      answered = wanted;
      await pause(answer.afterMs);
      await answerWith(simulation, { secret, offers: answer.offers });
    }
    await pause(looks < looksOftenMax ? lookEveryMs : seldomMs);
  }
}

const pause = (ms: number) =>
  ms === 0 ? undefined : new Promise<void>((resolve) => setTimeout(resolve, ms));

interface Offered {
  readonly secret: WatchedSecret;
  readonly offers: Offer;
}

async function answerWith(simulation: Simulated, { secret, offers }: Offered): Promise<void> {
  if (offers === "nothing") return;
  const wrong =
    offers === "right" || offers === "twice" ? undefined : wrongKey(simulation, { secret, offers });
  if (wrong !== undefined) await offerWrong(simulation, { secret, offers, key: wrong });
  const versionId = await pending(simulation, { secret, key: madeByHand(simulation, secret) });
  await order(simulation, { secret, versionId });
  if (offers !== "twice") return;
  await order(simulation, { secret, versionId });
  await order(simulation, {
    secret,
    versionId: await pending(simulation, { secret, key: madeByHand(simulation, secret) }),
  });
}

/** Undefined where there is no such key at this moment. */
function wrongKey({ world, watch }: Simulated, { secret, offers }: Offered): Secret | undefined {
  const { secretArn, policy, record } = secret;
  const retiring = record?.run?.retiring.keyId;
  const stored = world.store.versions(secretArn).map(({ text }) => keyIn(text, policy.field));
  const idOf = (key: Secret) => watch.keyIds.get(key.reveal());
  switch (offers) {
    case "retiring":
      return stored.find((key) => retiring !== undefined && idOf(key) === retiring);
    case "old":
      return stored.find((key) => idOf(key) !== retiring && watch.wasRetiring.has(idOf(key) ?? ""));
    case "otherProject": {
      const { keyId, secret: key } = world.provider.addKey({ name: "made elsewhere", project: otherProject });
      watch.learn({ keyId, text: key.reveal() });
      return key;
    }
    default:
      return new Secret("not-a-key-of-anybody");
  }
}

async function offerWrong(simulation: Simulated, wrong: Offered & { readonly key: Secret }): Promise<void> {
  const { secret, offers } = wrong;
  const { watch } = simulation;
  watch.tell(`a person offers a wrong key: ${offers}`);
  const said = await order(simulation, { secret, versionId: await pending(simulation, wrong) });
  if (said?.["outcome"] === "supplied")
    watch.violate("supply", `a wrong key (${offers}) is accepted for ${secret.policy.name}`);
}

function madeByHand({ world, watch }: Simulated, { policy }: WatchedSecret): Secret {
  const { keyId, secret: key } = world.provider.addKey({ name: "made by hand", scopes: policy.scopes ?? [] });
  watch.learn({ keyId, text: key.reveal() });
  return key;
}

async function pending(
  { world }: Simulated,
  { secret, key }: { readonly secret: WatchedSecret; readonly key: Secret },
): Promise<string> {
  const { secretArn, policy } = secret;
  const versionId = world.nextVersionId();
  const { text } = await world.store.read(secretArn);
  const stored = withKey(text, policy.field, key);
  await world.store.put({ secretArn, versionId, text: stored, labels: ["AWSPENDING"] });
  return versionId;
}

async function order(
  { outside }: Simulated,
  { secret, versionId }: { readonly secret: WatchedSecret; readonly versionId: string },
) {
  for (let tries = 0; tries < triesMax; tries++) {
    const said = await outside.order({ command: "supply", secret: secret.secretArn, versionId });
    if (said !== undefined) return said;
  }
  return undefined;
}
