import type { ConsumerPolicy } from "../../../core/policy.ts";
import type { AccountBudget } from "../../../core/provider-account.ts";
import type { Weather } from "../faults/weather.ts";
import { account } from "../world/account.ts";
import { providerWithBudget } from "../world/declared-policy.ts";
import { Random } from "./random.ts";

/** A stream of its own, and seeds with no other kind: what the others decide stays as it is. */
const rushEvery = { seeds: 64, at: 47 };
const stream = 71;

export function hasRush(seed: number): boolean {
  return seed % rushEvery.seeds === rushEvery.at;
}

const secretsMax = 12;
const dueMs = 5_000;
/** Twelve rotations of 28 calls each at two calls a second, and some time. */
const rushMs = 400_000;
const calm: Weather = { rate: 0, kinds: [], faultsMax: 0, isSkewed: false, isBusUnruly: false };

/**
 * Many secrets of one provider account fall due in the same moment, and the account answers few calls a second. Nothing
 * fails on such a day, so that each call can be held against the budget. What a plan has instead of its usual parts.
 */
export function rushFor(seed: number, propagation: Readonly<Record<string, number>>) {
  if (!hasRush(seed)) return undefined;
  const random = new Random(seed, stream);
  const budget: AccountBudget = {
    callsPerSecond: random.int(2, 4),
    ...(random.chance(0.5) && { mintsAtOnce: random.int(1, 2) }),
  };
  const secrets = Array.from({ length: random.int(6, secretsMax) }, (_, index) => {
    const { policy, ...secret } = secretFor(index, random);
    return {
      ...secret,
      policy: { ...policy, provider: providerWithBudget(secret.name, propagation, budget) },
    };
  });
  return {
    ...{ secrets, budget, weather: calm, sharp: undefined, outage: undefined },
    ...{ incident: undefined, hard: undefined, capabilities: {}, providerSkewMs: 0, isShort: true },
    ...{ calmAtMs: rushMs, provider: { activateMs: 0, dieMs: random.int(0, 5_000) } },
    happenings: secrets.map((_, secret) => ({
      ...{ atMs: dueMs, secret, kind: "rotate" as const },
      name: `r-${secret}-0`,
    })),
  };
}

function secretFor(index: number, random: Random) {
  const [name, maxStaleMs] = [`app-${index}`, random.int(8_000, 18_000)];
  const consumer: ConsumerPolicy = {
    ...{ name, environment: "production", account, evidence: ["client"], maxStaleMs },
    ...{ demandUse: false, refresh: { kind: "announce" } },
  };
  const paces = { refreshEveryMs: 4_000, useEveryMs: 10_000, reportEveryMs: 60_000 };
  return {
    ...{
      name: `key-${index}`,
      field: undefined,
      wrapping: "none" as const,
      scopes: undefined,
      sharesKeyOf: undefined,
    },
    consumers: [{ options: { name, instances: 1, maxStaleMs, ...paces }, policy: consumer }],
    // Many wait for their turn at the account, so that each has more time than a rotation alone needs.
    policy: {
      consumers: [consumer],
      signals: ["client" as const],
      ...{ quietMs: 4_000, overlapMs: 600_000, soakMs: 1_000, retain: false },
    },
  };
}
