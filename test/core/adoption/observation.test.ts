import {
  afterLook,
  notAsked,
  type Observation,
  observationText,
  whyNotAdopted,
} from "../../../core/adoption/observation.ts";
import type { Policy } from "../../../core/policy.ts";
import { consumer, incoming, minute, nowMs, quietMs, read, report, role, use } from "./adoption-world.ts";

const hour = 60 * minute;
const day = 24 * hour;

function policy(fields: Partial<Policy> = {}) {
  return { consumers: [consumer()], signals: ["client"], quietMs, overlapMs: hour, ...fields } as Policy;
}

function reasons(evidence: Parameters<typeof whyNotAdopted>[0]["evidence"], given = policy()) {
  const why = whyNotAdopted({ policy: given, current: incoming, nowMs, evidence });
  return why.map(({ reason, consumer: name = "-" }) => `${reason} ${name}`);
}

test("a consumer that proved within one overlap that it holds the current key is what a rotation would wait for", () => {
  expect(reasons([report()])).toEqual([]);
  expect(reasons([])).toEqual(["NoLiveInstance billing"]);
  expect(reasons([report({ observedAtMs: nowMs - 2 * hour })])).toEqual(["NoLiveInstance billing"]);
  expect(reasons([report({ unproven: "unsigned" })])).toEqual(["NotProven billing"]);
});

test("every instance has to hold the current key, and to be accepted with it", () => {
  const other = { fingerprint: "sha256:FAKE-9", versionId: "v9" };
  expect(reasons([report(), report({ instance: "i2", holds: other })])).toEqual(["HoldsUnknownKey billing"]);
  expect(reasons([report({ uses: [use(incoming, [null, 1])] })])).toEqual(["IncomingKeyRefused billing"]);
});

test("whoever uses the key and is not declared would be cut off", () => {
  expect(reasons([report(), report({ consumer: "search", instance: "s1" })])).toEqual([
    "UndeclaredConsumer search",
  ]);
  const elsewhere = { fingerprint: "sha256:FAKE-9", versionId: "v9" };
  expect(reasons([report(), report({ consumer: "search", holds: elsewhere })])).toEqual([]);
  expect(reasons([report(), read({ consumer: "batch", principal: `${role}-2` })])).toEqual([
    "UndeclaredConsumer batch",
  ]);
  expect(reasons([report(), read({ principal: `${role}-2`, versionId: "v1" })])).toEqual([]);
  const readers = policy({ consumers: [consumer({ evidence: ["kms"], roles: [role] })] });
  expect(reasons([read()], readers)).toEqual([]);
  expect(reasons([], readers)).toEqual(["NotRead billing"]);
});

test("nobody declared is a reason of its own, and `none` is an answer", () => {
  expect(reasons([], policy({ consumers: [] }))).toEqual(["ConsumersUnknown -"]);
  expect(reasons([], policy({ consumers: "none" }))).toEqual([]);
});

test("the provider has to say when the current key was last used, where a policy relies on it", () => {
  const both = policy({ signals: ["client", "provider"] });
  const said = { kind: "provider", observedAtMs: nowMs, incoming: { keyId: "k2", seenAtMs: nowMs } } as const;
  expect(reasons([report(), said], both)).toEqual([]);
  expect(reasons([report()], both)).toEqual(["ProviderSilent -"]);
});

test("restarts, copies and attestations come with a rotation: they are named, and not asked for", () => {
  const copies = [{ to: "shop", as: "KEY" }];
  const given = policy({ consumers: [consumer({ evidence: ["ecs", "copy", "attestation"], copies })] });
  expect(reasons([], given)).toEqual([]);
  expect(notAsked(given)).toEqual(["billing: ecs", "billing: copy", "billing: attestation"]);
  expect(notAsked(policy({ consumers: "none" }))).toEqual([]);
});

describe("from one look to the next", () => {
  const silent = whyNotAdopted({ policy: policy(), current: incoming, nowMs, evidence: [] });
  const look = (atMs: number, fields: Partial<Parameters<typeof afterLook>[1]> = {}) => ({
    ...{ atMs, overlapMs: day, blockers: [], reasons: silent, unasked: [] },
    ...fields,
  });

  test("what is missing may still come until one overlap has passed", () => {
    const first = afterLook(undefined, look(0));
    expect(first).toMatchObject({ verdict: "tooEarly", sinceMs: 0 });
    expect(observationText(first)).toMatch(/^observed for 0.0 s, less than one overlap; so far: billing has/);
    const next = afterLook(first, look(day));
    expect(next.verdict).toBe("wouldNotOpen");
    const open = afterLook(next, look(2 * day, { reasons: [], keyId: "k2" }));
    expect(open).toMatchObject({ verdict: "wouldOpen", sinceMs: 0, keyId: "k2" });
    expect(observationText(open)).toBe(
      "observed: a rotation would get through; it would have on 1 of 3 days",
    );
  });

  test("a day's last answer counts, and thirty days are kept", () => {
    let seen: Observation | undefined;
    for (let hours = 0; hours < 40 * 24; hours += 12)
      seen = afterLook(seen, look(hours * hour, { reasons: hours % 24 === 0 ? silent : [] }));
    expect(seen?.days).toHaveLength(30);
    expect(seen?.days.at(-1)).toEqual({ day: "1970-02-09", wouldOpen: true });
    expect(seen?.days.every(({ wouldOpen }) => wouldOpen)).toBe(true);
  });

  test("after a gap it is observed anew", () => {
    const before = afterLook(undefined, look(0));
    expect(afterLook(before, look(2 * day)).sinceMs).toBe(0);
    expect(afterLook(before, look(2 * day + 1))).toMatchObject({ sinceMs: 2 * day + 1, verdict: "tooEarly" });
  });

  test("reasons are bounded in number and length, and the rest is counted", () => {
    const many = Array.from({ length: 13 }, (_none, index) => `Held: ${index} ${"x".repeat(400)}`);
    const seen = afterLook(undefined, look(0, { blockers: many, reasons: [], overlapMs: 0 }));
    expect(seen.reasons).toHaveLength(10);
    expect(seen.reasonsLeft).toBe(3);
    expect(Math.max(...seen.reasons.map(({ length }) => length))).toBe(300);
    expect(observationText(seen)).toMatch(
      /^observed: a rotation would not get through: Held: 0 .*\(and 12 more\)/,
    );
  });

  test("before the first look it says so", () => {
    expect(observationText(undefined)).toBe("observed: the first look comes within the hour");
  });
});
