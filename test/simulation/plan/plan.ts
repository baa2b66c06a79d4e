import type { ConsumerPolicy, Policy } from "../../../core/policy.ts";
import type { ProviderCapabilities } from "../../../core/ports.ts";
import type { AccountBudget } from "../../../core/provider-account.ts";
import type { OpenAiFakeOptions } from "../../../providers/openai/fake.ts";
import { type Outage, outageFor } from "../faults/outage.ts";
import { type SharpWeather, sharpWeatherFor } from "../faults/sharp-weather.ts";
import { type Weather, weatherFor } from "../faults/weather.ts";
import { account } from "../world/account.ts";
import type { ConsumerOptions } from "../world/consumer.ts";
import { campaignFor, type PlannedCampaign } from "./campaign-plan.ts";
import { type PlaceTroubled, troublesFor, type WithCopies, withCopies } from "./copies-plan.ts";
import { type HardIncident, hardIncidentFor } from "./hard-incident-plan.ts";
import { incidentFor, type PlannedIncident } from "./incident-plan.ts";
import { type OrderDeed, ordersFor, type PlannedFleet, withFleet } from "./orders-plan.ts";
import { Random } from "./random.ts";
import { rushFor } from "./rush-plan.ts";
import { capabilitiesOf, ofShape, type PlannedShape, shapeFor, standInOf } from "./shape-plan.ts";
import { type PlannedTerms, termsFor, withTerms } from "./terms-plan.ts";

/** One thing that people, platforms or schedules do, at its time since the start. */
export type Happening = { readonly atMs: number; readonly secret: number } & Deed;

export type Deed =
  | { readonly kind: "rotate"; readonly name: string }
  /** Of a run that ended in the first part of its life, by a redrive or a new run. */
  | { readonly kind: "resume"; readonly by: "redrive" | "nextRun" | "word" }
  /** From now on a person answers when Rekey asks for a key. */
  | { readonly kind: "supply" }
  | { readonly kind: "hold" | "release" | "stopRun" | "redrive" | "abort" }
  /** Somebody presses the button of Secrets Manager. */
  | { readonly kind: "press" }
  | { readonly kind: "orderStop" | "liftStop"; readonly scope: "all" | "secret" | "provider" }
  /** What somebody does to the secret with the console. */
  | { readonly kind: "newKeyByHand" | "rollBack" | "putBack" | "editField" | "stalePending" }
  | { readonly kind: "copyKey" }
  | Omit<PlaceTroubled, "atMs" | "secret">
  | { readonly kind: "declare" }
  | OrderDeed
  | { readonly kind: "startInstance" | "batch"; readonly consumer: number }
  | { readonly kind: "freeze" | "thaw" | "kill" | "stop"; readonly consumer: number }
  /** Reports with a declared consumer's name from another environment or account. */
  | { readonly kind: "impostor"; readonly consumer: number; readonly from: Impostor };

/** `ghost`: on the right bus, of a new instance. `silencer`: under a live instance's name, at report 2^53 - 1. */
export type Impostor = "environment" | "account" | "ghost" | "silencer";

export interface PlannedConsumer {
  readonly options: ConsumerOptions;
  /** Undeclared ones use the key all the same. */
  readonly policy: ConsumerPolicy | undefined;
}

export interface PlannedSecret extends WithCopies {
  readonly name: string;
  readonly field: string | undefined;
  /** What an editor, or `echo`, put around the bare key. */
  readonly wrapping: "none" | "newline" | "byteOrderMark";
  readonly scopes: readonly string[] | undefined;
  readonly sharesKeyOf: number | undefined;
  readonly consumers: readonly PlannedConsumer[];
  readonly policy: Partial<Policy>;
  readonly fleet?: PlannedFleet;
}

export interface Plan {
  readonly seed: number;
  readonly secrets: readonly PlannedSecret[];
  readonly happenings: readonly Happening[];
  readonly incident: PlannedIncident | undefined;
  readonly hard: HardIncident | undefined;
  readonly weather: Weather;
  readonly sharp: SharpWeather | undefined;
  readonly outage: Outage | undefined;
  readonly provider: OpenAiFakeOptions;
  /** What the provider can do besides, or cannot. */
  readonly capabilities: Partial<ProviderCapabilities>;
  /** Of the provider, where it is not side by side. */
  readonly shape?: PlannedShape;
  readonly terms?: PlannedTerms;
  readonly campaign?: PlannedCampaign;
  /** Of the one account that all secrets share. */
  readonly budget?: AccountBudget;
  /** The provider's clock against the true one. */
  readonly providerSkewMs: number;
  /** From here on nothing fails any more. */
  readonly calmAtMs: number;
  /** Leaves out the rotation after the last sweep. */
  readonly isShort: boolean;
}

export const simulatedPropagation = {
  activateMs: 15_000,
  dieMs: 20_000,
  deadProbes: 3,
  deadWindowMs: 4_000,
  probeEveryMs: 2_000,
  usageLagMs: 4_000,
} as const;

export const skewMaxMs = 15 * 60_000;
const activeMs = 95_000;
const busyMs = 35_000;
const calmAfterMs = 30_000;
const secretsMax = 3;
const scopes = ["api.model.read", "api.model.request"];

/** Everything that the seed decides before the run starts; the weather decides the rest while it runs. */
export function planFor(seed: number): Plan {
  const { shape, ...plan } = usualPlan(seed);
  const rush = rushFor(seed, simulatedPropagation);
  const instead = rush ?? campaignFor(seed);
  return instead ? { ...plan, ...instead } : { ...plan, ...(shape && { shape }) };
}

function usualPlan(seed: number): Plan {
  const random = new Random(seed, 1);
  const copied = withCopies(seed, secretsFor(random, seed));
  const shape = shapeFor(seed, copied.length);
  const shaped = withFleet(seed, withReplicas(seed, ofShape(shape, copied, simulatedPropagation)));
  const terms = termsFor(seed);
  const secrets = withTerms(terms, shaped);
  const hard = hardIncidentFor(seed, secrets.length);
  const outage = outageFor(seed);
  return {
    seed,
    secrets,
    ...(shape && { shape }),
    ...(terms && { terms }),
    happenings: [
      ...happeningsFor(random, secrets),
      ...troublesFor(seed, secrets),
      ...abortsFor(seed, secrets.length),
      ...pressesFor(seed, secrets.length),
      ...ordersFor(seed, secrets),
    ].sort((a, b) => a.atMs - b.atMs),
    incident: incidentFor(seed, secrets.length),
    hard,
    capabilities: { ...(hard?.quarantineContains && { quarantineContains: true }), ...capabilitiesOf(shape) },
    weather: weatherFor(random),
    sharp: sharpWeatherFor(seed),
    outage,
    provider: {
      activateMs: random.chance(0.4) ? random.int(1, 10_000) : 0,
      dieMs: random.chance(0.4) ? random.int(1, 15_000) : 0,
      usageLagMs: random.int(0, 3_000),
      lastUsedLagMs: random.int(0, 3_000),
      ...(random.chance(0.2) && { pageMax: random.int(1, 2) }),
      ...(random.chance(0.05) && { keysMax: random.int(2, 4) }),
      ...standInOf(shape, outage),
    },
    providerSkewMs: random.chance(0.5) ? random.int(-skewMaxMs, skewMaxMs) : 0,
    calmAtMs: terms?.calmAtMs ?? activeMs + calmAfterMs,
    isShort: seed % 2 === 1,
  };
}

/** From a stream of its own: what else a seed does stays the same. */
const replicaStream = 43;

/** Some programs run in another Region, where they read the replica and report its reference. */
function withReplicas(seed: number, secrets: readonly PlannedSecret[]): readonly PlannedSecret[] {
  const random = new Random(seed, replicaStream);
  const placed = ({ options, policy }: PlannedConsumer): PlannedConsumer => {
    const isThere = random.chance(policy === undefined ? 0.5 : 0.15);
    return { options: isThere ? { ...options, replicaRegion: "us-east-1" } : options, policy };
  };
  return secrets.map((secret) => ({ ...secret, consumers: secret.consumers.map(placed) }));
}

/** Chosen by the seed's number: the other things that it decides stay as they were. */
const wrappings = ["none", "none", "newline", "none", "byteOrderMark"] as const;

function secretsFor(random: Random, seed: number): readonly PlannedSecret[] {
  const count = random.pick([1, 1, 1, 1, 1, 1, 2, secretsMax]);
  return Array.from({ length: count }, (_, index) => secretFor(random, { index, seed }));
}

function secretFor(
  random: Random,
  { index, seed }: { readonly index: number; readonly seed: number },
): PlannedSecret {
  const sharesKeyOf = index > 0 && random.chance(0.1) ? 0 : undefined;
  const isJson = index > 0 ? false : random.chance(0.4);
  const overlapMs = random.int(18_000, 34_000);
  const consumers = consumersFor(random, overlapMs);
  const declared = consumers.flatMap(({ policy }) => policy ?? []);
  const isUnused = declared.length === 0 && random.chance(0.8);
  return {
    name: `key-${index}`,
    field: isJson ? "key" : undefined,
    wrapping: isJson ? "none" : (wrappings[(seed + index) % wrappings.length] ?? "none"),
    scopes: random.chance(0.4) ? scopes : undefined,
    sharesKeyOf,
    consumers,
    policy: {
      consumers: isUnused ? "none" : declared,
      signals: random.pick<Policy["signals"]>([["client", "provider"], ["client"], ["client"], ["provider"]]),
      quietMs: random.int(4_000, 12_000),
      overlapMs,
      soakMs: random.int(1_000, 8_000),
      retain: random.chance(0.03),
    },
  };
}

function consumersFor(random: Random, overlapMs: number): readonly PlannedConsumer[] {
  const count = random.pick([0, 1, 1, 1, 1, 2]);
  const consumers = Array.from({ length: count }, (_, index) => consumerFor(random, { index, overlapMs }));
  return random.chance(0.12) ? [...consumers, undeclaredConsumer(random)] : consumers;
}

function consumerFor(
  random: Random,
  facts: { readonly index: number; readonly overlapMs: number },
): PlannedConsumer {
  const name = `app-${facts.index}`;
  const isBatch = random.chance(0.2);
  const maxStaleMs = random.int(8_000, 18_000);
  return {
    options: {
      name,
      instances: isBatch ? 0 : random.int(1, 3),
      refreshEveryMs: random.int(4_000, maxStaleMs),
      useEveryMs: random.int(5_000, 18_000),
      reportEveryMs: random.int(45_000, 120_000),
      maxStaleMs,
    },
    policy: {
      name,
      environment: "production",
      account,
      evidence: ["client"],
      maxStaleMs,
      ...(isBatch && { cadenceMs: random.int(10_000, facts.overlapMs) }),
      demandUse: random.chance(0.2),
      refresh: { kind: "announce" },
    },
  };
}

function undeclaredConsumer(random: Random): PlannedConsumer {
  const isStaging = random.chance(0.5);
  return {
    options: {
      name: isStaging ? "app-0" : "unknown",
      environment: isStaging ? "staging" : "production",
      instances: 1,
      refreshEveryMs: 12_000,
      useEveryMs: 10_000,
      reportEveryMs: 30_000,
      maxStaleMs: 20_000,
    },
    policy: undefined,
  };
}

type Deeds = readonly [Deed["kind"], ...Deed["kind"][]];

/** Named as often as they are likely. */
const disturbances: Deeds = [
  ...(["hold", "stopRun", "redrive", "orderStop"] as const),
  ...(["newKeyByHand", "rollBack", "putBack", "editField", "editField", "stalePending", "copyKey"] as const),
  ...([
    "declare",
    "startInstance",
    "startInstance",
    "freeze",
    "freeze",
    "freeze",
    "kill",
    "kill",
    "stop",
  ] as const),
  ...(["impostor", "impostor"] as const),
];

/** From a stream of its own: what else a seed does stays the same. */
const abortStream = 41;

function abortsFor(seed: number, secrets: number): readonly Happening[] {
  const random = new Random(seed, abortStream);
  if (!random.chance(0.2)) return [];
  return Array.from({ length: random.pick([1, 1, 2]) }, () => {
    const atMs = random.int(0, random.chance(0.7) ? busyMs : activeMs);
    return { atMs, secret: random.int(0, secrets - 1), kind: "abort" } as const;
  });
}

/** From a stream of its own, too. */
const pressStream = 44;

function pressesFor(seed: number, secrets: number): readonly Happening[] {
  const random = new Random(seed, pressStream);
  if (!random.chance(0.15)) return [];
  return Array.from({ length: random.pick([1, 1, 2]) }, () => {
    const atMs = random.int(0, random.chance(0.5) ? busyMs : activeMs);
    return { atMs, secret: random.int(0, secrets - 1), kind: "press" } as const;
  });
}

function* happeningsFor(random: Random, secrets: readonly PlannedSecret[]): Generator<Happening> {
  for (const [secret, planned] of secrets.entries()) {
    yield* rotationsFor(random, secret);
    const count = random.pick([0, 1, 1, 2, 3, 4]);
    for (let nth = 0; nth < count; nth++) yield* disturbance(random, { secret, planned });
    for (const [consumer, { policy }] of planned.consumers.entries()) {
      if (policy?.cadenceMs === undefined) continue;
      for (let atMs = random.int(0, policy.cadenceMs); atMs < activeMs; atMs += policy.cadenceMs)
        yield { atMs, secret, kind: "batch", consumer };
    }
  }
}

function* rotationsFor(random: Random, secret: number): Generator<Happening> {
  const count = random.pick([1, 1, 1, 1, 2, 2, 3]);
  for (let nth = 0; nth < count; nth++) {
    const name = `r-${secret}-${nth}`;
    const atMs = random.int(0, nth === 0 ? 10_000 : activeMs);
    yield { atMs, secret, kind: "rotate", name };
    // The scheduler is at-least-once: the same name starts no second execution.
    if (random.chance(0.1)) yield { atMs: atMs + random.int(0, 30_000), secret, kind: "rotate", name };
  }
}

function* disturbance(
  random: Random,
  { secret, planned }: { readonly secret: number; readonly planned: PlannedSecret },
): Generator<Happening> {
  const kind = random.pick(disturbances);
  // Most of it while the first rotations are at work.
  const atMs = random.int(0, random.chance(0.7) ? busyMs : activeMs);
  const laterMs = atMs + random.int(1_000, 40_000);
  const consumer = random.int(0, Math.max(0, planned.consumers.length - 1));
  switch (kind) {
    case "rotate":
    case "resume":
    case "supply":
    case "placeTrouble":
    case "abort":
    case "press":
    case "leave":
    case "approveAlone":
    case "forget":
      return;
    case "hold":
      yield { atMs, secret, kind };
      yield { atMs: laterMs, secret, kind: "release" };
      return;
    case "orderStop":
    case "liftStop": {
      const scope = random.pick<"all" | "secret" | "provider">(["all", "secret", "provider"]);
      yield { atMs, secret, kind: "orderStop", scope };
      yield { atMs: laterMs, secret, kind: "liftStop", scope };
      return;
    }
    case "freeze":
      yield { atMs, secret, kind, consumer };
      if (random.chance(0.6)) yield { atMs: laterMs, secret, kind: "thaw", consumer };
      return;
    case "kill":
    case "stop":
      yield { atMs, secret, kind, consumer };
      if (random.chance(0.6)) yield { atMs: laterMs, secret, kind: "startInstance", consumer };
      return;
    case "startInstance":
    case "batch":
    case "thaw":
      yield { atMs, secret, kind, consumer };
      return;
    case "impostor":
      for (let nth = 0; nth < 4; nth++) {
        const from = random.pick<Impostor>(["environment", "account", "ghost", "silencer"]);
        yield { atMs: atMs + nth * 8_000, secret, kind, consumer, from };
      }
      return;
    default:
      yield { atMs, secret, kind };
  }
}
