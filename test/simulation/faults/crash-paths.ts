import type { PlannedIncident } from "../plan/incident-plan.ts";
import {
  type Deed,
  type Happening,
  type Plan,
  type PlannedSecret,
  simulatedPropagation,
} from "../plan/plan.ts";
import { capabilitiesOf, type PlannedShape, standInOf } from "../plan/shape-plan.ts";
import type { MachineName } from "../run/machines.ts";
import { account } from "../world/account.ts";
import { providerWithoutMint } from "../world/declared-policy.ts";
import { providerWithTwoPlaces } from "../world/two-places.ts";
import type { Weather } from "./weather.ts";

/** A life in which nothing breaks by chance, and whose calls are cut. */
export interface CrashPath {
  readonly machine: MachineName;
  readonly plan: Plan;
  /** Without it, every function that the machine calls. */
  readonly only?: readonly string[];
  /** As every incident, it asks the same many times over: what makes the same calls again is not cut again. */
  readonly asksOften?: true;
  /** Functions whose first call fails for good in any case: only so does the machine come to what follows. */
  readonly fails?: readonly string[];
}

const calm: Weather = { rate: 0, kinds: [], faultsMax: 0, isSkewed: false, isBusUnruly: false };
const calmAtMs = 62_000;
const secretName = "key-0";

/** Together they reach every function of the rotation machine. */
export const rotationPaths: Readonly<Record<string, CrashPath>> = {
  "quarantine, with an edit of another field": rotation({
    secret: { scopes: ["api.model.read", "api.model.request"], field: "key" },
    happenings: [at(2_000, { kind: "editField" })],
    activateMs: 4_000,
  }),
  "overdue, then resumed": rotation({
    happenings: [
      at(0, { kind: "freeze", consumer: 0 }),
      at(500, { kind: "hold" }),
      at(12_000, { kind: "release" }),
      at(12_001, { kind: "thaw", consumer: 0 }),
      at(14_000, { kind: "rotate", name: "r-0-1" }),
    ],
  }),
  "rolled back": rotation({ happenings: [at(2_000, { kind: "newKeyByHand" })], activateMs: 4_000 }),
  "a key from a person": {
    ...rotation({ secret: withoutMint(), happenings: [at(0, { kind: "supply" })] }),
    only: ["mint-key", "await-key", "prove-incoming"],
  },
  "with copies": {
    ...rotation({ secret: { copies: ["ci", "web", "pods", "copy"], policy: { overlapMs: 40_000 } } }),
    only: ["check-copies", "write-copies", "check-adoption", "revoke-key"],
    asksOften: true,
  },
};

/** Where a new key ends another one, every call of the function that makes it is cut. */
export const shapePaths: Readonly<Record<string, CrashPath>> = {
  "two places": {
    ...rotation({
      shape: { kind: "slots" },
      secret: {
        policy: { provider: providerWithTwoPlaces(secretName, simulatedPropagation), signals: ["client"] },
      },
    }),
    only: ["mint-key", "revoke-key"],
  },
  "a full owner with a disabled key": {
    ...rotation({ shape: { kind: "atMost", keys: 3, liveOthers: 1, disabledOthers: 1 } }),
    only: ["mint-key"],
  },
  "a key whose text Rekey makes up": {
    ...rotation({ shape: { kind: "clientSecret" } }),
    only: ["mint-key"],
  },
};

function rotation(given: Given): CrashPath {
  const happenings = [rotateAt(100), ...(given.happenings ?? [])];
  return { machine: "rotation", plan: pathPlan({ ...given, happenings }) };
}

export function withoutMint(): Partial<PlannedSecret> {
  return { policy: { provider: providerWithoutMint(secretName, simulatedPropagation) } };
}

interface Given {
  readonly secret?: Partial<PlannedSecret>;
  readonly happenings?: readonly Happening[];
  readonly incident?: PlannedIncident;
  readonly capabilities?: Plan["capabilities"];
  readonly shape?: PlannedShape;
  readonly activateMs?: number;
  readonly dieMs?: number;
}

export function at(atMs: number, deed: Deed): Happening {
  return { atMs, secret: 0, ...deed };
}

export function rotateAt(atMs: number): Happening {
  return at(atMs, { kind: "rotate", name: "r-0-0" });
}

/** One secret with one consumer, and nothing but what is given. */
export function pathPlan(given: Given): Plan {
  const { happenings = [], activateMs = 0, dieMs = 0 } = given;
  const name = "app-0";
  const maxStaleMs = 5_000;
  const secret: PlannedSecret = {
    ...{ name: secretName, field: undefined, scopes: undefined, sharesKeyOf: undefined },
    wrapping: "none",
    consumers: [
      {
        options: {
          name,
          instances: 1,
          refreshEveryMs: 3_000,
          useEveryMs: 10_000,
          reportEveryMs: 60_000,
          maxStaleMs,
        },
        policy: {
          ...{ name, environment: "production", account, evidence: ["client"], maxStaleMs },
          ...{ demandUse: false, refresh: { kind: "announce" } },
        },
      },
    ],
    ...given.secret,
    policy: {
      ...{ signals: ["client", "provider"], quietMs: 4_000, overlapMs: 8_000, soakMs: 1_000 },
      ...given.secret?.policy,
    },
  };
  const [consumer] = secret.consumers;
  const declared = consumer?.policy ? [consumer.policy] : [];
  return {
    seed: 1,
    secrets: [{ ...secret, policy: { ...secret.policy, consumers: declared } }],
    happenings: [...happenings].sort((a, b) => a.atMs - b.atMs),
    weather: calm,
    sharp: undefined,
    outage: undefined,
    provider: { activateMs, dieMs, usageLagMs: 0, lastUsedLagMs: 0, ...standInOf(given.shape) },
    capabilities: { ...given.capabilities, ...capabilitiesOf(given.shape) },
    ...(given.shape && { shape: given.shape }),
    providerSkewMs: 0,
    calmAtMs,
    isShort: true,
    incident: given.incident,
    hard: undefined,
  };
}
