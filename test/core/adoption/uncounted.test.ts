import type { InstanceEvidence, UncountedEvidence } from "../../../core/adoption/evidence.ts";
import { evidenceKey, isMaterial, mayForget } from "../../../core/adoption/evidence.ts";
import {
  hasRoom,
  instanceLimits,
  uncounted,
  undeclaredName,
  unprovenStaleMsMax,
  withUncounted,
} from "../../../core/adoption/instance-limits.ts";
import { sayWanted } from "../../../core/adoption/reason-text.ts";
import { mayRunUntilMs } from "../../../core/adoption/view.ts";
import {
  account,
  consumer,
  incoming,
  minute,
  nowMs,
  reasonsOf,
  report,
  retiring,
  said,
  second,
  use,
  view,
  withConsumers,
} from "./adoption-world.ts";

const hour = 60 * minute;
const policy = { consumers: [consumer(), consumer({ name: "search" })] };
const many = (count: number, fields: Partial<InstanceEvidence> = {}) =>
  Array.from({ length: count }, (_, n) => report({ instance: `i${n}`, ...fields }));

describe("room for one more instance", () => {
  const room = (
    item: InstanceEvidence,
    kept: readonly InstanceEvidence[],
    under: Parameters<typeof hasRoom>[0]["policy"] = policy,
  ) => hasRoom({ item, kept, policy: under });

  test.each([
    ["that proves it", {}, instanceLimits.instance],
    ["that proves nothing", { unproven: "unsigned" }, instanceLimits.unproven],
    ["with another's sequence", { unproven: "jump" }, instanceLimits.jump],
  ] as const)(
    "%s: up to the consumer's limit, and the secret's",
    (_what, fields, { ofConsumer, ofSecret }) => {
      const next = report({ ...fields, instance: "next" });
      expect(room(next, many(ofConsumer - 1, fields))).toBe(true);
      expect(room(next, many(ofConsumer, fields))).toBe(false);
      const others = many(ofSecret - 1, { ...fields, consumer: "search" });
      expect(room(next, others)).toBe(true);
      expect(room(next, [...others, report(fields)])).toBe(false);
    },
  );

  test("another consumer's instances leave this one's share alone, and all undeclared ones share one", () => {
    const full = many(100, { unproven: "unsigned" });
    expect(room(report({ unproven: "unsigned", consumer: "search" }), full)).toBe(true);
    const strangers = full.map((item, n) => ({ ...item, consumer: `made-up-${n}` }));
    expect(room(report({ unproven: "unsigned", consumer: "made-up" }), strangers)).toBe(false);
    expect(room(report({ unproven: "unsigned" }), strangers)).toBe(true);
    expect(room(report({ unproven: "unsigned" }), strangers, { consumers: "none" })).toBe(false);
    expect(room(report({ unproven: "unsigned", environment: "staging" }), full)).toBe(true);
    expect(room(report({ unproven: "unsigned", account: "999988887777" }), full)).toBe(true);
  });

  test("where the policy takes any report, those that prove nothing have as much room", () => {
    const item = report({ unproven: "unsigned", instance: "next" });
    const kept = many(instanceLimits.unproven.ofConsumer, { unproven: "unsigned" });
    expect(room(item, kept, { ...policy, reports: "any" })).toBe(true);
    const jump = { unproven: "jump" } as const;
    const jumps = many(instanceLimits.jump.ofConsumer, jump);
    expect(room(report({ ...jump, instance: "next" }), jumps, { ...policy, reports: "any" })).toBe(false);
  });

  test("those that ended an hour ago take none, until there are as many as all others may be", () => {
    const { ofConsumer, ofSecret } = instanceLimits.instance;
    const next = (observedAtMs: number) => report({ instance: "next", observedAtMs });
    const ended = { ended: true, observedAtMs: 0 } as const;
    const kept = [...many(ofConsumer - 1, { observedAtMs: 0 }), report({ instance: "one", ...ended })];
    expect(room(next(hour), kept)).toBe(false);
    expect(room(next(hour + 1), kept)).toBe(true);
    expect(room(next(2 * hour), many(2 * ofSecret - 1, ended))).toBe(true);
    expect(room(next(2 * hour), many(2 * ofSecret, ended))).toBe(false);
  });

  test("one that a person called gone takes none; one that reported since does", () => {
    const forgotten = { by: "ada", atMs: 0, reason: "gone", sequence: 1 };
    const kept = (sequence: number) => [
      report({ forgotten, sequence, observedAtMs: 0 }),
      ...many(instanceLimits.instance.ofConsumer - 1),
    ];
    const next = report({ instance: "next", observedAtMs: 2 * hour });
    expect(room(next, kept(1))).toBe(true);
    expect(room(next, kept(2))).toBe(false);
  });

  test("one that proves nothing takes none once it holds nothing up, and its word that it ended does not count", () => {
    const fields = { unproven: "unsigned", ended: true, observedAtMs: 0 } as const;
    const kept = many(instanceLimits.unproven.ofConsumer, fields);
    const next = (observedAtMs: number) => report({ unproven: "unsigned", instance: "next", observedAtMs });
    expect(room(next(unprovenStaleMsMax), kept)).toBe(false);
    expect(room(next(unprovenStaleMsMax + 1), kept)).toBe(true);
    const patient = { consumers: [consumer({ maxStaleMs: 48 * hour })] };
    expect(room(next(unprovenStaleMsMax + 1), kept, patient)).toBe(false);
  });
});

describe("what is kept of an instance without room", () => {
  const kept = (fields: Partial<InstanceEvidence>) =>
    uncounted(report({ observedAtMs: 90 * second, ...fields }), policy);
  const place = { kind: "uncounted", account, environment: "production", consumer: "billing" } as const;
  const seen = { ...place, reportedBy: "client", observedAtMs: 2 * minute, maxStaleMs: 0 } as const;

  test("who proves it: which key it holds, that it is refused, when it used another", () => {
    const { fingerprint } = incoming;
    expect(kept({})).toEqual({ ...seen, fingerprint });
    expect(kept({ ended: true })).toBeUndefined();
    expect(kept({ uses: [use(incoming, [null, 0])] })).toEqual({
      ...seen,
      fingerprint,
      refusedAtMs: 2 * minute,
    });
    expect(kept({ uses: [use(incoming, [0, second])] })).toEqual({ ...seen, fingerprint });
    expect(kept({ uses: [use(incoming, [second, second])] })).toHaveProperty("refusedAtMs");
    expect(kept({ uses: [use(retiring, [40 * second, 0])] })).toEqual({
      ...seen,
      fingerprint,
      otherUsedAtMs: minute,
    });
    expect(kept({ uses: [use(retiring, [null, 0])] })).toEqual({ ...seen, fingerprint });
  });

  test("who proves nothing: only that there are such, whatever key they name and whether they ended", () => {
    expect(kept({ unproven: "unsigned", ended: true, uses: [use(incoming, [null, 0])] })).toEqual(seen);
    expect(kept({ unproven: "jump" })).toEqual(seen);
    expect(kept({ unproven: "unsigned", consumer: "made-up" })).toEqual({
      ...seen,
      consumer: undeclaredName,
    });
    expect(uncounted(report({ unproven: "unsigned" }), { consumers: "none" })?.consumer).toBe(undeclaredName);
  });

  test("each time is the latest, and nothing new changes nothing", () => {
    const stored: UncountedEvidence = { ...seen, refusedAtMs: 5, maxStaleMs: 7 };
    expect(withUncounted(undefined, seen)).toBe(seen);
    expect(withUncounted(stored, { ...seen, refusedAtMs: 5 })).toBe(stored);
    expect(withUncounted(seen, { ...seen, refusedAtMs: 5 })).toEqual({ ...seen, refusedAtMs: 5 });
    expect(withUncounted(stored, { ...seen, otherUsedAtMs: 3, maxStaleMs: 9 })).toEqual({
      ...{ ...stored, maxStaleMs: 9, otherUsedAtMs: 3 },
    });
  });

  test("a first refusal and a first use of another key are news; later times are not", () => {
    const proven = { ...seen, fingerprint: incoming.fingerprint };
    expect(isMaterial(proven, undefined)).toBe(true);
    expect(isMaterial({ ...proven, observedAtMs: 9 * minute }, proven)).toBe(false);
    expect(isMaterial({ ...proven, refusedAtMs: 1 }, proven)).toBe(true);
    expect(isMaterial({ ...proven, otherUsedAtMs: 1 }, proven)).toBe(true);
    expect(isMaterial({ ...proven, refusedAtMs: 2 }, { ...proven, refusedAtMs: 1 })).toBe(false);
  });

  test("each kind has a name of its own", () => {
    expect(evidenceKey({ ...seen, fingerprint: "sha256:FAKE" })).toBe(
      `uncounted/${account}/production/billing/sha256:FAKE`,
    );
    expect(evidenceKey(seen)).toBe(`uncounted/${account}/production/billing/unproven`);
  });

  test("it is dropped when a run closes only if it was silent for a day, and holds no current key", () => {
    const at = (atMs: number) => ({ incoming, atMs });
    const day = 24 * hour + seen.observedAtMs;
    expect(mayForget(seen, at(day))).toBe(false);
    expect(mayForget(seen, at(day + 1))).toBe(true);
    expect(mayForget({ ...seen, maxStaleMs: 25 * hour }, at(day + 1))).toBe(false);
    expect(mayForget({ ...seen, fingerprint: incoming.fingerprint }, at(day + 1))).toBe(false);
  });
});

describe("the gate, when some instances are not counted", () => {
  const beyond = (fields: Partial<UncountedEvidence> = {}): UncountedEvidence => ({
    ...{ kind: "uncounted", account, environment: "production", consumer: "billing", reportedBy: "client" },
    ...{ observedAtMs: nowMs, maxStaleMs: 0, ...fields },
  });
  const moved = (fields: Partial<UncountedEvidence> = {}) =>
    beyond({ fingerprint: incoming.fingerprint, ...fields });
  const asked = (...items: readonly UncountedEvidence[]) => withConsumers([consumer()], [report(), ...items]);
  const waits = "TooManyInstances billing by client";

  test.each([
    ["that prove nothing", beyond(), "more than 100 instances report as billing and do not prove"],
    [
      "that hold the retiring key",
      beyond({ fingerprint: retiring.fingerprint }),
      "more than 2000 instances of billing report",
    ],
  ])("waits for those %s, names the consumer, and shows what ends it", (_what, item, detail) => {
    expect(said(asked(item))).toEqual(["waiting", waits]);
    const [reason] = reasonsOf(asked(item));
    expect(reason?.detail).toContain(detail);
    expect(reason?.remainingMs).toBe(5 * minute);
    expect(reason && sayWanted(reason)).toContain("it ends by itself once they report no more");
  });

  test("it ends once each of them must have dropped the key, and at exactly that time it has not", () => {
    const at = (ms: number, item: UncountedEvidence) => said({ ...asked(item), nowMs: ms })[1];
    const old = beyond({ observedAtMs: -minute });
    expect([at(5 * minute, old), at(5 * minute + 1, old)]).toEqual([waits, undefined]);
    const own = beyond({ observedAtMs: 0, maxStaleMs: 9 * minute, fingerprint: retiring.fingerprint });
    expect([at(9 * minute, own), at(9 * minute + 1, own)]).toEqual([waits, undefined]);
  });

  test("what proves nothing holds nothing up for longer than a day after its last report", () => {
    const claims = beyond({ observedAtMs: 0, maxStaleMs: 100 * 24 * hour });
    expect(reasonsOf({ ...asked(claims), nowMs: 0 })[0]?.remainingMs).toBe(unprovenStaleMsMax);
    const one = report({
      unproven: "unsigned",
      maxStaleMs: claims.maxStaleMs,
      holds: retiring,
      observedAtMs: 0,
    });
    expect(mayRunUntilMs(one, withConsumers([consumer()], [one]))).toBe(unprovenStaleMsMax);
    const patient = consumer({ maxStaleMs: 48 * hour });
    expect(mayRunUntilMs(one, withConsumers([patient], [one]))).toBe(48 * hour);
  });

  test("waits for none that prove to have moved, unless one is refused or uses another key", () => {
    expect(said(asked(moved()))).toEqual(["adopted"]);
    expect(said(asked(moved({ refusedAtMs: nowMs })))).toEqual(["waiting", waits]);
    expect(said(asked(moved({ refusedAtMs: nowMs - 5 * minute - 1 })))).toEqual(["adopted"]);
    const used = moved({ otherUsedAtMs: nowMs - minute });
    expect(said(asked(used))).toEqual(["adopted"]);
    const quiet = (otherUsedAtMs: number) =>
      said(
        view({
          policy: { signals: ["client"], quietMs: 2 * minute },
          evidence: [report(), moved({ otherUsedAtMs })],
        }),
      );
    expect(quiet(nowMs - 2 * minute + 1)).toEqual(["waiting", waits]);
    expect(quiet(nowMs - 2 * minute)).toEqual(["adopted"]);
  });

  test("they speak for nobody: without a counted one the consumer has no live instance", () => {
    expect(said(withConsumers([consumer()], [moved()]))).toEqual([
      "waiting",
      "NoLiveInstance billing by client",
    ]);
  });

  test("undeclared ones contradict, whoever they say they are", () => {
    const item = beyond({ consumer: undeclaredName });
    expect(said(asked(item))).toEqual(["contradicted", "TooManyInstances by client"]);
    expect(reasonsOf(asked(item))[0]?.detail).toContain("programs that no policy declares");
    expect(said(asked(beyond({ environment: "staging" })))[0]).toBe("contradicted");
  });
});
