import type { ConsumerPolicy } from "../../../core/policy.ts";
import type { Weather } from "../faults/weather.ts";
import { account } from "../world/account.ts";
import { Random } from "./random.ts";

/** A stream of its own, and seeds with no other kind: what the others decide stays as it is. */
const campaignEvery = { seeds: 64, at: 39 };
const stream = 79;

export function hasCampaign(seed: number): boolean {
  return seed % campaignEvery.seeds === campaignEvery.at;
}

/** Times are since the campaign was ordered. */
export interface PlannedCampaign {
  readonly atMs: number;
  /** One key that a stranger uses. */
  readonly abused: number | undefined;
  readonly pause: { readonly afterMs: number; readonly lastsMs: number } | undefined;
  /** A `rekey stop` that incidents obey, too. */
  readonly stop: { readonly afterMs: number; readonly lastsMs: number } | undefined;
  /** So often nobody answers the minute's call, or two are under way at once. */
  readonly callsMissed: number;
  readonly callsTwice: number;
}

const secretsMax = 8;
const campaignMs = 25 * 60_000;
const calm: Weather = { rate: 0, kinds: [], faultsMax: 0, isSkewed: false, isBusUnruly: false };

/** Every key of the account may have leaked at once. What a plan has instead of its usual parts. */
export function campaignFor(seed: number) {
  if (!hasCampaign(seed)) return undefined;
  const random = new Random(seed, stream);
  const secrets = Array.from({ length: random.int(3, secretsMax) }, (_, index) => secretFor(index, random));
  const interval = () => ({ afterMs: random.int(100, 30_000), lastsMs: random.int(10_000, 120_000) });
  const campaign: PlannedCampaign = {
    atMs: random.int(1_000, 30_000),
    abused: random.chance(0.3) ? random.int(0, secrets.length - 1) : undefined,
    pause: random.chance(0.6) ? interval() : undefined,
    stop: random.chance(0.4) ? interval() : undefined,
    callsMissed: random.pick([0, 0, 0.2]),
    callsTwice: random.pick([0, 0, 0.2]),
  };
  return {
    ...{ secrets, campaign, weather: calm, sharp: undefined, outage: undefined },
    ...{ incident: undefined, hard: undefined, capabilities: {}, providerSkewMs: 0, isShort: true },
    ...{ calmAtMs: campaignMs, provider: { activateMs: 0, dieMs: random.int(0, 5_000) } },
    // Some of them are being rotated when the campaign comes.
    happenings: secrets.flatMap((_, secret) =>
      random.chance(0.3)
        ? [{ atMs: random.int(0, 40_000), secret, kind: "rotate" as const, name: `r-${secret}-0` }]
        : [],
    ),
  };
}

function secretFor(index: number, random: Random) {
  const [name, maxStaleMs] = [`app-${index}`, random.int(8_000, 18_000)];
  const consumer: ConsumerPolicy = {
    ...{ name, environment: "production", account, evidence: ["client"], maxStaleMs },
    ...{ demandUse: false, refresh: { kind: "announce" } },
  };
  const paces = { refreshEveryMs: 4_000, useEveryMs: 10_000, reportEveryMs: 30_000 };
  return {
    ...{ name: `key-${index}`, field: undefined, wrapping: "none" as const },
    ...{ scopes: undefined, sharesKeyOf: undefined },
    consumers: [{ options: { name, instances: random.int(1, 2), maxStaleMs, ...paces }, policy: consumer }],
    policy: {
      ...{ consumers: [consumer], signals: ["client" as const] },
      ...{ quietMs: 4_000, overlapMs: 600_000, soakMs: 1_000, retain: false },
      incident: { containByMs: random.int(2, 8) * 60_000, escalateAfterMs: 600_000 },
    },
  };
}
