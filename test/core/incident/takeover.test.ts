import {
  dropReused,
  fencedBy,
  markContained,
  markContaining,
  markReleased,
  markSeenDead,
  markSound,
  takeSecret,
} from "../../../core/incident/takeover.ts";
import type { LedgerKey } from "../../../core/keys.ts";
import {
  emptyRecord,
  type PlacedKey,
  type Run,
  type SecretRecord,
} from "../../../core/rotation/secret-record.ts";

const placed = (name: string): PlacedKey => ({
  keyId: name,
  versionId: `v-${name}`,
  fingerprint: `sha256:${name}`,
});
const key = (name: string, state: LedgerKey["state"], more: Partial<LedgerKey> = {}): LedgerKey => ({
  ...{ name, state, ...placed(name) },
  ...more,
});
const times = { promotedAtMs: 1, deadlineAtMs: 2 };
const base = { rotationId: "r-1", attempt: 1, retiring: placed("k1") };

function record(run: Run | undefined, keys: readonly LedgerKey[]): SecretRecord {
  const lease = { runId: "r-1", kind: "rotation" as const, executionArn: "arn:r-1" };
  const empty = { ...emptyRecord("arn:secret"), fence: 4, keys };
  return run === undefined
    ? empty
    : { ...empty, lease, run, wait: { rotationId: "r-1", token: "t", decision: "d" } };
}

const takeover = (name: string, isCurrent: boolean) => ({
  incidentId: "i-1",
  executionArn: "arn:i-1",
  secretTag: "tag",
  keyId: placed(name).keyId,
  ...(isCurrent && { current: placed(name) }),
});

const staged = (phase: "staged" | "proven" | "promoting"): Run => ({
  ...base,
  phase,
  incoming: placed("k2"),
});
const promoted = (phase: "promoted" | "quarantined" | "revoking" | "revoked" | "dead"): Run => ({
  ...{ ...base, phase, incoming: placed("k2") },
  ...times,
});

test("a current key without a run gets a run of the incident's own", () => {
  const taken = takeSecret(record(undefined, [key("k1", "current")]), takeover("k1", true));

  expect(taken).toMatchObject({ standing: "current", from: "MintKey", reused: false });
  expect(taken.fenced).toBeUndefined();
  expect(taken.record).toMatchObject({
    fence: 5,
    lease: { runId: "i-1-tag-5", kind: "incident", incidentId: "i-1" },
    run: { phase: "opened", rotationId: "i-1-tag-5" },
  });
});

test.each([
  ["staged", "ProveIncoming"],
  ["proven", "PromoteVersion"],
  ["promoting", "PromoteVersion"],
] as const)("a healthy key that the fenced rotation has %s is reused", (phase, from) => {
  const taken = takeSecret(
    record(staged(phase), [key("k1", "current"), key("k2", "staged", { rotationId: "r-1" })]),
    takeover("k1", true),
  );

  expect(taken).toMatchObject({ from, reused: true, fenced: { rotationId: "r-1", token: "t" } });
  expect(taken.record.run).toMatchObject({ phase, rotationId: "i-1-tag-5", incoming: { keyId: "k2" } });
  expect(taken.record.wait).toBeUndefined();
});

test.each([
  ["is in revoking", { state: "revoking" as const }],
  ["is compromised itself", { compromised: true }],
])("a staged key that %s is never reused", (_title, more) => {
  const taken = takeSecret(
    record(staged("proven"), [key("k1", "current"), key("k2", "staged", more)]),
    takeover("k1", true),
  );

  expect(taken).toMatchObject({ from: "MintKey", reused: false });
  expect(taken.record.run).toMatchObject({ phase: "opened", retiring: { keyId: "k1" } });
});

test("what the fenced rotation made and nobody uses is a stray", () => {
  const keys = [key("k1", "current"), key("k2", "minted", { rotationId: "r-1" })];
  const taken = takeSecret(record({ ...base, phase: "opened" }, keys), takeover("k1", true));

  expect(taken.record.keys.map(({ keyId, state }) => [keyId, state])).toEqual([
    ["k2", "stray"],
    ["k1", "current"],
  ]);
});

test.each(["promoted", "quarantined", "revoking", "revoked", "dead"] as const)(
  "a leaked retiring key goes with the run that is %s: its replacement is current already",
  (phase) => {
    const taken = takeSecret(
      record(promoted(phase), [key("k1", "retiring"), key("k2", "current")]),
      takeover("k1", false),
    );

    expect(taken).toMatchObject({
      standing: "retiring",
      from: "NudgeConsumers",
      fenced: { rotationId: "r-1" },
    });
    expect(taken.record.run).toMatchObject({ phase, rotationId: "i-1-tag-5", incoming: { keyId: "k2" } });
  },
);

test.each([
  ["promoted", "RevokeOwed"],
  ["revoking", "RevokeOwed"],
  ["revoked", "DeathUnproven"],
  ["dead", undefined],
] as const)(
  "a leaked key that a run %s made current is replaced, and its retiring key is left as %s",
  (phase, owed) => {
    const taken = takeSecret(
      record(promoted(phase), [key("k1", "retiring"), key("k2", "current")]),
      takeover("k2", true),
    );

    expect(taken).toMatchObject({ standing: "current", from: "MintKey" });
    expect(taken.owed?.kind).toBe(owed);
    expect(taken.record.run).toMatchObject({ phase: "opened", retiring: { keyId: "k2" } });
    expect(taken.record.keys.map(({ keyId }) => keyId).sort()).toEqual(["k1", "k2"]);
  },
);

test.each([
  ["promoted", "RevokeOwed"],
  ["revoked", "DeathUnproven"],
  ["dead", undefined],
] as const)(
  "a leaked key that a hand has taken out of AWSCURRENT ends the run that is %s, and can be contained",
  (phase, owed) => {
    const keys = [key("k1", "retiring"), key("k2", "current")];
    const taken = takeSecret(record(promoted(phase), keys), takeover("k2", false));

    expect(taken).toMatchObject({
      standing: "unplaced",
      from: "none",
      fenced: { rotationId: "r-1", token: "t" },
    });
    expect(taken.owed?.kind).toBe(owed);
    expect(taken.record).toMatchObject({
      fence: 5,
      ended: ["r-1"],
      keys: [{ keyId: "k1" }, { compromised: true }],
    });
    expect(taken.record).not.toHaveProperty("run");
    const contained = markContaining(taken.record, { key: placed("k2"), state: "revoking" });
    expect(contained.keys.find(({ keyId }) => keyId === "k2")?.state).toBe("revoking");
  },
);

test("a promotion that was finished for a leaked incoming key leaves the retiring one as retiring", () => {
  const keys = [key("k1", "current"), key("k2", "staged")];
  const taken = takeSecret(record(staged("promoting"), keys), takeover("k2", true));

  expect(taken.record.keys.map(({ keyId, state }) => [keyId, state])).toEqual([
    ["k1", "retiring"],
    ["k2", "current"],
  ]);
  expect(taken.owed?.keyId).toBe("k1");
});

test.each([
  ["by a hand while its run is open", promoted("promoted")],
  ["by a hand after its run was closed", undefined],
])(
  "the key that AWSCURRENT held until the leaked one was put in its place %s is kept as retiring",
  (_, run) => {
    const keys = [key("k1", "retiring"), key("k2", "current", { rotationId: "r-1" })];

    const taken = takeSecret(record(run, keys), takeover("k1", true));

    expect(taken.record.keys.map(({ keyId, state }) => `${keyId} ${state}`)).toEqual([
      "k2 retiring",
      "k1 current",
    ]);
  },
);

test.each([
  ["proven", "stray"],
  ["promoting", "retiring"],
] as const)(
  "an incoming key that is %s when a hand puts the leaked one into AWSCURRENT is %s",
  (phase, state) => {
    const keys = [key("k0", "minted"), key("k1", "current"), key("k2", "staged")];

    const taken = takeSecret(record(staged(phase), keys), takeover("k9", true));

    expect(taken.record.keys.map(({ keyId, state: now }) => `${keyId} ${now}`)).toEqual([
      ...["k0 stray", "k1 retiring", `k2 ${state}`],
      "k9 current",
    ]);
  },
);

test("a retiring key that the item does not know is owed its revoke, and not made up as a key here", () => {
  const taken = takeSecret(record(promoted("promoted"), [key("k2", "current")]), takeover("k2", true));

  expect(taken.owed).toMatchObject({ keyId: "k1", kind: "RevokeOwed", rotationId: "r-1" });
  expect(taken.record.keys.map(({ keyId }) => keyId)).toEqual(["k2"]);
});

test.each([
  ["staged", staged("staged"), "staged"],
  ["just minted", { ...base, phase: "opened" } as Run, "minted"],
] as const)("an incoming key that leaks while it is %s ends the run that made it", (_title, run, state) => {
  const keys = [key("k1", "current"), key("k2", state, { rotationId: "r-1" })];
  const taken = takeSecret(record(run, keys), takeover("k2", false));

  expect(taken).toMatchObject({ standing: "incoming", from: "none", fenced: { rotationId: "r-1" } });
  expect(taken.record).toMatchObject({ fence: 5, ended: ["r-1"] });
  expect(taken.record.lease).toBeUndefined();
  expect(taken.record.run).toBeUndefined();
  expect(taken.record.keys).toMatchObject([
    { keyId: "k1" },
    { keyId: "k2", state: "stray", compromised: true },
  ]);
});

test("a repeated take-over returns again which run it ended, and another incident's does not", () => {
  const keys = [key("k1", "current"), key("k2", "staged", { rotationId: "r-1" })];
  const taken = takeSecret(record(staged("staged"), keys), takeover("k2", false));
  const fenced = { rotationId: "r-1", token: "t" };
  expect(taken).toMatchObject({ standing: "incoming", fenced });

  const again = takeSecret(taken.record, takeover("k2", false));
  expect(again).toMatchObject({ record: taken.record, standing: "incoming", fenced });
  const other = takeSecret(taken.record, { ...takeover("k2", false), incidentId: "i-2" });
  expect(other).toMatchObject({ record: taken.record, standing: "unplaced" });
  expect(other.fenced).toBeUndefined();

  const held = takeSecret(record(promoted("promoted"), keys), takeover("k1", false)).record;
  expect(fencedBy(held, "i-1")).toEqual({ standing: "retiring", reused: true, fenced });
  expect(fencedBy(held, "i-2")).toBeUndefined();
  const older = { incidentId: "i-1", standing: "current" as const, ...fenced };
  expect(fencedBy({ ...held, fenced: older }, "i-1")).toEqual({ standing: "current", reused: false, fenced });
});

test("a take-over of a secret that is free forgets the run that an older one ended", () => {
  const keys = [key("k1", "current"), key("k2", "staged", { rotationId: "r-1" })];
  const older = takeSecret(record(staged("staged"), keys), takeover("k2", false)).record;
  const taken = takeSecret(older, { ...takeover("k1", true), incidentId: "i-2" });

  expect(taken.fenced).toBeUndefined();
  expect(taken.record).not.toHaveProperty("fenced");
});

test("a run whose lease is gone ends under its own name when its incoming key leaks", () => {
  const { lease: _gone, wait: _over, ...owed } = record(staged("staged"), [key("k2", "staged")]);
  expect(takeSecret(owed, takeover("k2", false)).record.ended).toEqual(["r-1"]);
});

test("a key that the secret gave up long ago disturbs nothing here", () => {
  const before = record(promoted("promoted"), [key("k1", "retiring"), key("k2", "current")]);
  expect(takeSecret(before, takeover("k0", false))).toEqual({
    ...{ record: before, standing: "retired", from: "none", reused: false },
  });
  const stray = record(undefined, [key("k1", "current"), key("k0", "stray")]);
  expect(takeSecret(stray, takeover("k0", false)).standing).toBe("unplaced");
  const making = record({ ...base, phase: "opened" }, [key("k1", "current"), key("k2", "minted")]);
  expect(takeSecret(making, takeover("k0", false))).toMatchObject({ record: making, standing: "retired" });
});

test("a run that is owed by nobody is taken up where it stands", () => {
  const {
    lease: _gone,
    wait: _over,
    ...owed
  } = record({ ...promoted("promoted"), owed: { reason: "overdue" } }, [
    key("k1", "retiring"),
    key("k2", "current"),
  ]);
  const taken = takeSecret(owed, takeover("k1", false));
  expect(taken.record.run?.owed).toBeUndefined();
  expect(taken.fenced).toEqual({ rotationId: "r-1" });
});

describe("containing", () => {
  const leaked = placed("k1");

  test("records the intent on the key and on the run that retires it", () => {
    const before = record(promoted("promoted"), [key("k1", "retiring"), key("k2", "current")]);
    const intended = markContaining(before, { key: leaked, state: "revoking" });

    expect(intended.run?.phase).toBe("revoking");
    expect(intended.keys.find(({ keyId }) => keyId === "k1")).toMatchObject({
      state: "revoking",
      compromised: true,
    });
    expect(markContaining(intended, { key: leaked, state: "revoking" })).toBe(intended);
    const done = markContained(intended, { keyId: "k1", revokedAtMs: 9 });
    expect(done.run).toMatchObject({ phase: "revoked", revokedAtMs: 9 });
    expect(markContained(done, { keyId: "k1", revokedAtMs: 10 })).toBe(done);
    expect(markContaining(done, { key: leaked, state: "revoking" })).toBe(done);
    const dead = markSeenDead(done, "k1");
    expect(dead.run?.phase).toBe("dead");
    expect(dead.keys.map(({ keyId }) => keyId)).toEqual(["k2"]);
  });

  test("does not take back what the run has done already", () => {
    const before = record(promoted("revoked"), [key("k1", "revoked"), key("k2", "current")]);
    expect(markContaining(before, { key: leaked, state: "revoking" }).run?.phase).toBe("revoked");
    const dead = record(promoted("dead"), [key("k1", "revoking"), key("k2", "current")]);
    expect(markContained(dead, { keyId: "k1", revokedAtMs: 9 }).run?.phase).toBe("dead");
  });

  test("a step that thaws after the proof leaves a dead key dead, replaced or not", () => {
    const waiting = record({ ...base, phase: "opened" }, [key("k1", "current")]);
    const intended = markContaining(waiting, { key: leaked, state: "revoking" });
    const dead = markSeenDead(intended, "k1");
    expect(dead.keys).toMatchObject([{ keyId: "k1", state: "dead", compromised: true }]);
    expect(markContaining(dead, { key: leaked, state: "revoking" })).toBe(dead);
    expect(markContained(dead, { keyId: "k1", revokedAtMs: 9 })).toBe(dead);
  });

  test("goes on from a quarantine", () => {
    const before = record(promoted("promoted"), [key("k1", "retiring"), key("k2", "current")]);
    const quarantined = markContaining(before, { key: leaked, state: "quarantined" });
    expect(quarantined.run?.phase).toBe("quarantined");
    expect(markContaining(quarantined, { key: leaked, state: "revoking" }).run?.phase).toBe("revoking");
    const released = markReleased(quarantined, "k1");
    expect(released.run?.phase).toBe("promoted");
    expect(released.keys.find(({ keyId }) => keyId === "k1")).toMatchObject({
      state: "retiring",
      compromised: true,
    });
  });

  test("a quarantine that comes after the revoke has begun changes nothing", () => {
    const before = record({ ...base, phase: "opened" }, [key("k1", "current")]);
    const revoking = markContaining(before, { key: leaked, state: "revoking" });
    expect(markContaining(revoking, { key: leaked, state: "quarantined" })).toBe(revoking);
    expect(markReleased(revoking, "k1")).toBe(revoking);
  });

  test("a superseded key is released as superseded, and not as a second current one", () => {
    const before = record(undefined, [key("k1", "retiring"), key("k2", "current")]);
    const quarantined = markContaining(before, { key: leaked, state: "quarantined" });
    expect(markReleased(quarantined, "k1").keys.find(({ keyId }) => keyId === "k1")).toMatchObject({
      state: "retiring",
    });
  });

  test("a key that was a false alarm is as good as any other, however far its revoke had come", () => {
    const before = record({ ...base, phase: "opened" }, [key("k3", "stray"), key("k1", "current")]);
    const quarantined = markContaining(before, { key: leaked, state: "quarantined" });
    const sound = markSound(markReleased(quarantined, "k1"), "k1");
    expect(sound.keys).toEqual(before.keys);
    expect(markSound(sound, "k1")).toBe(sound);
    expect(markSound(sound, "k9")).toBe(sound);
    const revoking = markSound(markContaining(before, { key: leaked, state: "revoking" }), "k1");
    expect(revoking.keys.at(-1)).toEqual({ ...before.keys.at(-1), state: "revoking" });
    const dead = markSeenDead(markContaining(before, { key: leaked, state: "revoking" }), "k1");
    expect(markSound(dead, "k1")).toBe(dead);
  });

  test("a key that is current, with nothing promoted, is released as current", () => {
    const before = record({ ...base, phase: "opened" }, [key("k1", "current")]);
    const quarantined = markContaining(before, { key: leaked, state: "quarantined" });
    expect(quarantined.run?.phase).toBe("opened");
    expect(markReleased(quarantined, "k1").keys[0]?.state).toBe("current");
    expect(markContained(quarantined, { keyId: "k1", revokedAtMs: 9 }).keys[0]?.state).toBe("revoked");
    const dead = markSeenDead(quarantined, "k1");
    expect(dead.keys).toMatchObject([{ keyId: "k1", state: "dead", compromised: true }]);
    expect(markSeenDead(dead, "k1")).toBe(dead);
    const beside = key("k3", "stray");
    expect(markSeenDead({ ...quarantined, keys: [...quarantined.keys, beside] }, "k1").keys).toContain(
      beside,
    );
    expect(markSeenDead({ ...dead, keys: [] }, "k1").keys).toEqual([]);
  });

  test.each(["staged", "promoting"] as const)(
    "never contains a key that is incoming in a run that is %s",
    (phase) => {
      const before = record(staged(phase), [key("k1", "current"), key("k2", "staged")]);
      expect(() => markContaining(before, { key: placed("k2"), state: "revoking" })).toThrow("incoming key");
    },
  );

  test("never contains the key that a run has made current", () => {
    const before = record(promoted("promoted"), [key("k1", "retiring"), key("k2", "current")]);
    expect(() => markContaining(before, { key: placed("k2"), state: "revoking" })).toThrow("incoming key");
  });

  test("a key that this secret does not know leaves its record alone", () => {
    const before = record(undefined, [key("k1", "current")]);
    expect(markContained(before, { keyId: "k9", revokedAtMs: 1 })).toBe(before);
    expect(markSeenDead(before, "k9")).toBe(before);
    expect(markContaining(before, { key: placed("k9"), state: "revoking" }).keys).toHaveLength(2);
  });
});

describe("a reused key that was refused", () => {
  const taken = takeSecret(
    record(staged("staged"), [key("k1", "current"), key("k2", "staged")]),
    takeover("k1", true),
  ).record;

  test("is left to the sweep, and the next one is made", () => {
    const dropped = dropReused(taken, "i-1-tag-5");
    expect(dropped.run).toMatchObject({ phase: "opened", rotationId: "i-1-tag-5" });
    expect(dropped.keys.find(({ keyId }) => keyId === "k2")?.state).toBe("stray");
    expect([taken, dropped].map((now) => fencedBy(now, "i-1")?.reused)).toEqual([true, false]);
    const { fenced: _unknown, ...older } = taken;
    expect(dropReused(older, "i-1-tag-5")).not.toHaveProperty("fenced");
  });

  test("stays where another run has the secret, or where it may be promoted", () => {
    expect(dropReused(taken, "i-2-tag-5")).toBe(taken);
    const promoting = { ...taken, run: { ...staged("promoting"), rotationId: "i-1-tag-5" } };
    expect(dropReused(promoting, "i-1-tag-5")).toBe(promoting);
    const { run: _none, ...idle } = taken;
    expect(dropReused(idle, "i-1-tag-5")).toBe(idle);
  });
});
