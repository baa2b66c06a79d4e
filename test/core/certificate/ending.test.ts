import { type EndedRun, type EndingFacts, endingStatement } from "../../../core/certificate/ending.ts";
import type { CopyNote } from "../../../core/copies/note.ts";
import type { LeftKey } from "../../../core/rotation/left-keys.ts";
import { ada, chain, digest, entry, fingerprintOf, namesIn } from "./certificate-world.ts";

const k1: LeftKey = {
  ...{ role: "retiring", name: "k1", keyId: "k1", fingerprint: fingerprintOf("FAKE-1"), state: "retiring" },
};
const k2: LeftKey = { role: "incoming", name: "rekey/r-1/1", keyId: "k2", versionId: "v2", state: "current" };

const run: EndedRun = {
  ...{ rotationId: "r-1", secretArn: "arn:1", executionArn: "arn:execution:r-1", trigger: "schedule" },
  ...{ openedAtMs: 1_000, policy: { name: "billing-key", environment: "production", consumers: [{}] } },
  ...{ outcome: "needsHuman", reason: "AdoptionOverdue: search", closedAtMs: 9_000 },
  ...{ left: [k1, k2], owes: [{ kind: "RevokeOwed", keyId: "k1" }] },
};

function certified(changes: Partial<EndedRun> = {}, facts: Partial<EndingFacts> = {}) {
  return endingStatement(
    {
      ...{ deployment: "d-1", run: { ...run, ...changes }, chain: chain(), policySha256: "p" },
      ...{ copies: [], certifiedAtMs: 10_000, ...facts },
    },
    digest,
  );
}
const said = (...facts: Parameters<typeof certified>) => certified(...facts)?.predicate;
const notChecked = (...facts: Parameters<typeof certified>) =>
  ((said(...facts)?.["notChecked"] ?? []) as readonly string[]).join("\n");

test.each(["running", "skipped", "superseded", "contained", "rotated"])(
  "there is none of a run that is %s",
  (outcome) => {
    expect(certified({ outcome })).toBeUndefined();
  },
);

test("its kind is its own: nobody can take it for the proof that a key is dead", () => {
  expect(said()).toMatchObject({ kind: "rotationWithoutDeath", ending: "needsHuman" });
});

test("is about the run, the secret, each key by its text, and the chain", () => {
  const statement = certified();
  expect(statement && namesIn(statement)).toEqual([
    ...["rotation:r-1", "deployment:d-1", "secret:arn:1", "retiring:k1", "audit:billing:9"],
  ]);
});

test("names each key as it was left, and what is owed", () => {
  expect(said()).toMatchObject({
    ...{ reason: "AdoptionOverdue: search", endedAt: "1970-01-01T00:00:09.000Z" },
    keys: [
      { claim: "observed", role: "retiring", keyId: "k1", state: "retiring" },
      { role: "incoming", keyId: "k2", state: "current" },
    ],
    owed: [{ claim: "observed", kind: "RevokeOwed", keyId: "k1" }],
  });
});

test("a record of an older release has neither keys, debts, reason nor end: it says so", () => {
  const { left: _left, owes: _owes, reason: _reason, closedAtMs: _end, ...older } = run;
  const statement = endingStatement(
    {
      ...{
        deployment: "d-1",
        run: older,
        chain: chain(),
        policySha256: "p",
        copies: [],
        certifiedAtMs: 10_000,
      },
    },
    digest,
  );
  expect(statement?.predicate).toMatchObject({
    ...{ reason: "needsHuman", endedAt: "1970-01-01T00:00:10.000Z", keys: [], owed: [] },
    notChecked: expect.arrayContaining([expect.stringContaining("state of the retiring key")]),
  });
});

test("an abort of this run is named with its person and reason, and one of another run is not", () => {
  const abort = (rotationId: string, detail = {}) =>
    entry({ actor: ada, action: "RotationAborted", detail: { rotationId, ...detail }, atMs: 4_000 });
  expect(said({}, { chain: chain([abort("r-2"), abort("r-1", { reason: "wrong" })]) })).toMatchObject({
    aborted: { by: ada, reason: "wrong", at: "1970-01-01T00:00:04.000Z" },
  });
  expect(said({}, { chain: chain([abort("r-2")]) })).not.toHaveProperty("aborted");
  expect(said({}, { chain: chain([abort("r-1")]) })).toMatchObject({ aborted: { reason: "" } });
});

test("steps come from the run's record and its own entries of the chain", () => {
  const entries = [
    entry({ action: "VersionPromoted", atMs: 3_000 }),
    entry({ action: "VersionPromoted", actor: "r-2", atMs: 3_500 }),
    entry({ action: "KeyRevoked", atMs: 6_000 }),
  ];
  const proof = { atMs: 2_000, keyId: "k2" };
  expect(said({ proof }, { chain: chain(entries) })?.["steps"]).toEqual([
    { step: "OpenRotation", at: "1970-01-01T00:00:01.000Z" },
    { step: "ProveIncoming", at: "1970-01-01T00:00:02.000Z" },
    { step: "Promote", at: "1970-01-01T00:00:03.000Z" },
    { step: "RevokeAccepted", at: "1970-01-01T00:00:06.000Z" },
    { step: "End", at: "1970-01-01T00:00:09.000Z" },
  ]);
});

test("a revoke that was recorded and not accepted is a step of its own", () => {
  const opening = { openedAtMs: 5_000 } as NonNullable<EndedRun["opening"]>;
  expect(said({ opening })?.["steps"]).toContainEqual({
    step: "RevokeRetiring",
    at: "1970-01-01T00:00:05.000Z",
  });
});

test("every reason that stood at the gate's last answer is quoted in words", () => {
  const gate = {
    ...{ verdict: "overdue", askedAtMs: 8_000, blockers: ["Held: by ada"] },
    reasons: [{ reason: "HoldsRetiringKey", consumer: "search", source: "client", detail: "" } as const],
  };
  expect(said({ gate })?.["gate"]).toEqual({
    ...{ verdict: "overdue", askedAt: "1970-01-01T00:00:08.000Z" },
    inTheWay: ["Held: by ada", "search still holds the retiring key"],
  });
});

test("copies stand with what each holds", () => {
  const notes: readonly CopyNote[] = [
    {
      destination: "pages",
      name: "A",
      written: { versionId: "v2", fingerprint: "f", mark: "m", seenAtMs: 5_000 },
    },
    {
      destination: "pages",
      name: "B",
      written: { versionId: "v1", fingerprint: "f", mark: "m" },
      astray: "changed",
    },
    { destination: "pages", name: "C", refused: "no token" },
  ];
  expect(said({}, { copies: notes })?.["copies"]).toEqual([
    {
      ...{
        claim: "observed",
        destination: "pages",
        name: "A",
        holds: "incoming",
        versionId: "v2",
        mark: "m",
      },
      seenAt: "1970-01-01T00:00:05.000Z",
    },
    {
      ...{ claim: "observed", destination: "pages", name: "B", holds: "another", versionId: "v1", mark: "m" },
      astray: "changed",
    },
    { claim: "observed", destination: "pages", name: "C", holds: "unknown", refused: "no token" },
  ]);
});

test("what it does not say: death, and for a roll-back proof and adoption", () => {
  expect(notChecked()).toContain("key k1 is dead");
  expect(notChecked({ left: [{ role: "retiring", name: "k1", state: "retiring" }] })).toContain(
    "key unknown",
  );
  const rolledBack = { outcome: "rolledBack" };
  expect(notChecked(rolledBack)).toContain("nobody had to move");
  expect(notChecked(rolledBack)).toContain("did not come so far");
  const proof = { atMs: 2_000, keyId: "k2" };
  expect(notChecked({ proof })).not.toContain("did not come so far");
  const gate = { verdict: "waiting", askedAtMs: 1, blockers: [], reasons: [] };
  expect(notChecked({ ...rolledBack, gate })).not.toContain("nobody had to move");
});
