import {
  type ConsumerPolicy,
  isOnlyRestarted,
  mistakesIn,
  type Policy,
  type ProviderFacts,
} from "../../core/policy.ts";

const minute = 60_000;

const consumer = (name: string, fields: Partial<ConsumerPolicy> = {}): ConsumerPolicy => ({
  name,
  environment: "production",
  account: "111122223333",
  evidence: ["client"],
  maxStaleMs: 15 * minute,
  demandUse: false,
  refresh: { kind: "announce" },
  ...fields,
});

const sound = {
  consumers: [consumer("billing"), consumer("search")],
  signals: ["client", "provider"],
  quietMs: 30 * minute,
  overlapMs: 120 * minute,
} as unknown as Policy;

const facts = {
  capabilities: { shape: { kind: "sideBySide" }, lastUsed: true, usagePerKey: true },
  propagation: { usageLagMs: 30 * minute },
} as ProviderFacts;
const blind = {
  ...facts,
  capabilities: { ...facts.capabilities, lastUsed: false, usagePerKey: false },
} as ProviderFacts;

function mistakes(policy: Partial<Policy>, of: ProviderFacts = facts): readonly string[] {
  return mistakesIn({ ...sound, ...policy }, of).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

test("a sound policy has no mistakes", () => {
  expect(mistakes({})).toEqual([]);
  expect(mistakes({ consumers: "none", signals: [] })).toEqual([]);
  expect(mistakes({ consumers: "none", signals: ["provider"] })).toEqual([]);
});

test("a policy names its consumers, or says that there are none", () => {
  expect(mistakes({ consumers: [] })).toEqual([
    "consumers: no consumers: name them, or say `consumers: none` if nothing uses the key",
  ]);
  expect(mistakes({ consumers: [], mode: "observe" })).toEqual([]);
});

test("a consumer is declared once in each environment", () => {
  const staging = consumer("billing", { environment: "staging" });
  expect(mistakes({ consumers: [consumer("billing"), staging, consumer("billing")] })).toEqual([
    "consumers.2.name: consumer production/billing is declared twice",
  ]);
  expect(mistakes({ consumers: [consumer("billing"), staging] })).toEqual([]);
});

describe("the overlap", () => {
  test("is refused when the machine would end before it", () => {
    const day = 24 * 60 * minute;
    const [said] = mistakes({ overlapMs: 21 * day });
    expect(said).toBe("overlap: one rotation lives for at most 20 days: make the overlap shorter");
    expect(mistakes({ overlapMs: 20 * day }).filter((mistake) => mistake.startsWith("overlap:"))).toEqual([]);
  });

  test("is at least as long as any consumer may use a key without asking", () => {
    const lazy = (maxStaleMs: number) =>
      mistakes({ consumers: [consumer("a"), consumer("b", { maxStaleMs })] });
    expect(lazy(120 * minute)).toEqual([]);
    expect(lazy(120 * minute + 1)).toEqual([
      "consumers.1.maxStale: b may use a key for 7200001 ms without asking, longer than the overlap of 7200000 ms",
    ]);
  });

  test("is at least as long as the time between two runs of a batch", () => {
    const nightly = (cadenceMs: number) => mistakes({ consumers: [consumer("batch", { cadenceMs })] });
    expect(nightly(120 * minute)).toEqual([]);
    expect(nightly(121 * minute)).toEqual([
      "consumers.0.cadence: batch runs every 7260000 ms, so it cannot be seen within the overlap of 7200000 ms",
    ]);
  });
});

describe("the quiet window", () => {
  test("covers the lag of the provider's figures, where they are a signal", () => {
    expect(mistakes({ quietMs: 30 * minute })).toEqual([]);
    expect(mistakes({ quietMs: 30 * minute - 1 })).toEqual([
      "quiet: the provider's usage is up to 1800000 ms late: quiet must be at least that",
    ]);
    expect(mistakes({ quietMs: 1, signals: ["client"] })).toEqual([]);
  });
});

describe("signals", () => {
  test("exist at this provider", () => {
    const words = ["signals: this provider reports no use of a key: drop `provider`"];
    expect(mistakes({}, blind)).toEqual(words);
    expect(mistakes({ signals: ["client"] }, blind)).toEqual([]);
    for (const one of ["lastUsed", "usagePerKey"]) {
      const capabilities = { ...blind.capabilities, [one]: true };
      expect(mistakes({}, { ...facts, capabilities })).toEqual([]);
    }
  });

  test("are named wherever somebody uses the key", () => {
    expect(mistakes({ signals: [] })).toEqual([
      "signals: no signal would say that the retiring key is unused",
    ]);
  });
});

describe("a key that cannot be rotated like others", () => {
  const provider = { account: "main", kind: "example", settings: {} };
  const at = (shape: object, revoke = true): ProviderFacts =>
    ({ ...facts, capabilities: { ...facts.capabilities, shape, revoke } }) as ProviderFacts;

  test.each<[object, boolean, string]>([
    [
      { kind: "assisted" },
      false,
      "no API shows or ends its keys, so a rotation could not prove which one is dead",
    ],
    [{ kind: "inPlace" }, true, "a new key ends the one in use at once"],
    [{ kind: "federated" }, true, "there is no key to rotate"],
  ])("%j (can revoke: %j) is only watched: %s", (shape, revoke, why) => {
    expect(mistakes({ provider, mode: "rotate" }, at(shape, revoke))).toEqual([
      expect.stringContaining(`provider: main: ${why}`),
    ]);
    expect(mistakes({ provider, mode: "index" }, at(shape, revoke))).toEqual([]);
  });

  test.each<[object, boolean]>([
    [{ kind: "assisted" }, true],
    [{ kind: "sideBySide" }, false],
  ])("%j (can revoke: %j) is rotated", (shape, revoke) => {
    expect(mistakes({ provider, mode: "rotate" }, at(shape, revoke))).toEqual([]);
  });

  test("dies by itself after the issuer's grace, which has to be as long as the overlap", () => {
    const grace = (graceMs: number) => mistakes({}, at({ kind: "rotateWithGrace", graceMs }));
    expect(grace(120 * minute)).toEqual([]);
    expect(grace(120 * minute - 1)).toEqual([
      "overlap: the retiring key dies by itself after 7199999 ms, before the overlap of 7200000 ms is over",
    ]);
  });
});

describe("the order of secrets and the hours of changes", () => {
  const open = [{ days: [0, 1, 2, 3, 4, 5, 6], fromMinute: 0, untilMinute: 23 * 60 }];
  const windows = { timezone: "UTC", open };

  test("a secret cannot wait for itself, and can for another, also of its own name elsewhere", () => {
    const named = (after?: string) =>
      mistakes({ name: "a", environment: "production", ...(after && { after }) });
    expect(named("production/a")).toEqual(["after: a secret cannot wait for itself"]);
    expect(named("staging/a")).toEqual([]);
    expect(named("production/b")).toEqual([]);
    expect(named()).toEqual([]);
  });

  test("the overlap is longer than the windows stay closed and the quiet window together", () => {
    const quiet = 30 * minute;
    const said = (overlapMs: number) => mistakes({ windows, quietMs: quiet, overlapMs });
    expect(said(90 * minute + 1)).toEqual([]);
    expect(said(90 * minute)).toEqual([
      "overlap: the change windows stay closed for 3600000 ms at a stretch: the overlap of 5400000 ms has to be longer than that and quiet",
    ]);
  });
});

describe("a consumer whose use of the incoming key is demanded", () => {
  const demanding = (evidence: ConsumerPolicy["evidence"], signals: Policy["signals"]) =>
    mistakes({
      consumers: [consumer("a"), consumer("b", { demandUse: true, evidence, roles: ["r"] })],
      signals,
    });

  test("has to report it, or the provider has to", () => {
    expect(demanding(["kms"], ["client"])).toEqual([
      "consumers.1.demandUse: nothing would see b use the incoming key: add client evidence or the provider signal",
    ]);
    expect(demanding(["exec"], ["client"])).toHaveLength(1);
    expect(demanding(["kms", "client"], ["client"])).toEqual([]);
    expect(demanding(["kms"], ["client", "provider"])).toEqual([]);
  });
});

test("reads count for a consumer only if its roles are named", () => {
  const byReads = (roles?: readonly string[]) =>
    mistakes({ consumers: [consumer("a", { evidence: ["kms"], ...(roles && { roles }) })] });
  expect(byReads()).toEqual(["consumers.0.roles: kms evidence needs the roles of a"]);
  expect(byReads([])).toHaveLength(1);
  expect(byReads(["r"])).toEqual([]);
});

test("every mistake is reported at once, each with its place", () => {
  const wrong = {
    consumers: [consumer("a", { maxStaleMs: 200 * minute, cadenceMs: 300 * minute })],
    quietMs: 1,
  };
  expect(mistakes(wrong, blind).map((mistake) => mistake.split(":")[0])).toEqual([
    "consumers.0.maxStale",
    "consumers.0.cadence",
    "quiet",
    "signals",
  ]);
});

test.each<[boolean, Partial<ConsumerPolicy>]>([
  [true, { evidence: ["ecs"] }],
  [true, { evidence: ["lambda"] }],
  [true, { evidence: ["kubernetes", "ecs"] }],
  [false, { evidence: ["ecs", "client"] }],
  [false, { evidence: [] }],
  [false, { evidence: ["ecs"], copies: [{ to: "web", as: "KEY" }] }],
])("that only restarts show its move is %s for %j", (expected, given) => {
  expect(isOnlyRestarted(given as ConsumerPolicy)).toBe(expected);
});
