import type { ConsumerStanding, EvidenceRow, GateOpening } from "../../../core/certificate/gate-opening.ts";
import { type RotationFacts, type RunFacts, rotationStatement } from "../../../core/certificate/rotation.ts";
import { ada, chain, digest, entry, fingerprintOf, namesIn } from "./certificate-world.ts";

const retiring = { keyId: "k1", versionId: "v1", fingerprint: fingerprintOf("FAKE-1") };
const incoming = { keyId: "k2", versionId: "v2", fingerprint: fingerprintOf("FAKE-2") };
const controls = { neverIssued: "refused", accepted: { keyId: "k2", answer: "valid" } } as const;

const billing: ConsumerStanding = {
  ...{ name: "billing", environment: "production", account: "111122223333" },
  ...{ needs: ["client"], worth: "reported", rows: 1 },
};

function opening(fields: Partial<GateOpening> = {}): GateOpening {
  return {
    ...{ seq: 4, openedAtMs: 5_000, promotedAtMs: 3_000, retiring, incoming, consumers: [billing] },
    ...{ rows: [], rowsOmitted: 0, asked: ["Held"] },
    quiet: { fromMs: 3_000, untilMs: 5_000, neededMs: 1_000, signals: ["client"] },
    ...fields,
  };
}

const death: NonNullable<RunFacts["death"]> = {
  ...{ keyId: "k1", fingerprint: retiring.fingerprint, revokedAtMs: 6_000, deadAtMs: 8_000 },
  ...{ how: "refused", probes: 2, controls },
};

const opened: RunFacts = {
  ...{ rotationId: "r-1", secretArn: "arn:1", executionArn: "arn:execution:r-1", trigger: "schedule" },
  ...{ openedAtMs: 1_000, policy: { name: "billing-key", environment: "production", consumers: [{}] } },
};
const finished: RunFacts = {
  ...{ ...opened, death, proof: { atMs: 2_000, keyId: "k2" }, opening: opening() },
};

function certified({ run = finished, ...facts }: Partial<RotationFacts> = {}) {
  return rotationStatement(
    {
      ...{ deployment: "d-1", run, runs: [run], chain: chain(), policySha256: "p", certifiedAtMs: 9_000 },
      ...facts,
    },
    digest,
  );
}

/** The parts that the tests look into. */
interface Said {
  readonly run: object;
  readonly keys: object;
  readonly steps: readonly { readonly step: string; readonly at: string }[];
  readonly adoption: { readonly worth: string; readonly rows: readonly object[] };
  readonly provider?: object;
  readonly gate: { readonly openedAt: string; readonly asked: readonly object[] };
  readonly death: { readonly probes: readonly object[] };
  readonly notChecked: readonly string[];
}
const said = (facts: Partial<RotationFacts> = {}) => certified(facts)?.predicate as unknown as Said;

test("there is none while the retiring key is not dead", () => {
  expect(certified({ run: opened })).toBeUndefined();
});

test("is about the run, the secret, the version and both keys by their text, and the audit chain", () => {
  const statement = certified();
  expect(statement && namesIn(statement)).toEqual([
    ...["rotation:r-1", "deployment:d-1", "secret:arn:1", "version:arn:1:v2"],
    ...["incoming:k2", "retiring:k1", "audit:billing:9"],
  ]);
});

test("gives each step that is on record its time, in order", () => {
  const { steps } = said();
  expect(steps.map(({ step, at }) => `${step} ${at.slice(17, 19)}`)).toEqual([
    ...["OpenRotation 01", "ProveIncoming 02", "Promote 03"],
    ...["RevokeRetiring 05", "RevokeAccepted 06", "ProveDead 08"],
  ]);
});

describe("a run that resumed what an earlier one left", () => {
  const { opening: _gate, proof: _proof, ...resumed } = { ...finished, rotationId: "r-2" };
  const { death: _death, ...left } = { ...finished, probes: [{ atMs: 7_000, answer: "valid" as const }] };

  test("shows the gate and the proof of that run", () => {
    expect(said({ run: resumed, runs: [left, resumed] })).toMatchObject({
      ...{ gate: { openedAt: "1970-01-01T00:00:05.000Z" }, keys: { incoming } },
      incomingProof: { at: "1970-01-01T00:00:02.000Z", answer: "valid" },
    });
  });

  test("shows the opening at which the revoke was recorded: the one with the highest seq", () => {
    const again = { ...left, rotationId: "r-0", opening: opening({ seq: 6, openedAtMs: 5_500 }) };
    const { gate } = said({ run: resumed, runs: [left, again, resumed] });
    expect(gate.openedAt).toBe("1970-01-01T00:00:05.500Z");
  });

  test("does not take the gate or the proof of another key", () => {
    const other = { ...left, opening: opening({ retiring: { ...retiring, keyId: "k0" } }) };
    const answer = said({ run: resumed, runs: [other, resumed] });
    expect(answer).not.toHaveProperty("gate");
    expect(answer).not.toHaveProperty("incomingProof");
    expect(answer.keys).not.toHaveProperty("incoming");
  });

  test("continues the one that promoted the key, as the chain says", () => {
    const promoted = entry({ action: "VersionPromoted", actor: "r-1", detail: { keyId: "k2" } });
    const facts = { run: resumed, runs: [left, resumed], chain: chain([promoted]) };
    expect(said(facts).run).toMatchObject({ continues: "r-1" });
    expect(said({ chain: chain([promoted]) }).run).not.toHaveProperty("continues");
  });

  test("shows the earlier run's calls with the key too, but not of a run that proved another key dead", () => {
    const own = { ...resumed, probes: [{ atMs: 8_000, answer: "refused" as const, controls }] };
    const done = { ...finished, rotationId: "r-0", probes: [{ atMs: 10, answer: "refused" as const }] };
    expect(said({ run: own, runs: [done, left, own] }).death.probes).toEqual([
      { at: "1970-01-01T00:00:07.000Z", answer: "valid" },
      { at: "1970-01-01T00:00:08.000Z", answer: "refused", controls },
    ]);
  });
});

test("names the person who asked for this run", () => {
  const asked = (rotationId: string) =>
    entry({ action: "RotationRequested", actor: ada, detail: { rotationId } });
  expect(said({ chain: chain([asked("r-1")]) }).run).toMatchObject({ requestedBy: ada });
  expect(said({ chain: chain([asked("r-0")]) }).run).not.toHaveProperty("requestedBy");
});

describe("adoption is worth", () => {
  const other: ConsumerStanding = { ...billing, name: "search" };
  const none = { ...opened.policy, consumers: "none" as const };

  test.each<[string, RunFacts["policy"], readonly ConsumerStanding[]]>([
    ["attested", none, []],
    ["nothing", opened.policy, []],
    ["nothing", opened.policy, [billing, { ...other, worth: "nothing" }]],
    ["reported", opened.policy, [billing, { ...other, worth: "observed" }]],
    ["attested", opened.policy, [{ ...other, worth: "attested" }, billing]],
  ])("%s: %#", (worth, policy, consumers) => {
    const run = { ...finished, policy, opening: opening({ consumers }) };
    expect(said({ run }).adoption.worth).toBe(worth);
  });
});

test("a row of evidence gives its times as text, and only those it has", () => {
  const row: EvidenceRow = {
    ...{ source: "client", claim: "reported", consumer: "billing", environment: "production" },
    ...{ account: "111122223333", declared: true, holds: { versionId: "v2" }, receivedAtMs: 4_000 },
  };
  const rows = [row, { ...row, lastSuccessWithIncomingMs: 3_500, lastUseOfRetiringMs: 2_500 }];
  const [bare, full] = said({ run: { ...finished, opening: opening({ rows }) } }).adoption.rows;
  const { receivedAtMs: _ms, ...shown } = row;
  expect(bare).toEqual({ ...shown, receivedAt: "1970-01-01T00:00:04.000Z" });
  expect(full).toEqual({
    ...{ ...bare, lastSuccessWithIncoming: "1970-01-01T00:00:03.500Z" },
    lastUseOfRetiring: "1970-01-01T00:00:02.500Z",
  });
});

describe("the provider's figures", () => {
  const withProvider = (provider: GateOpening["provider"]) =>
    said({ run: { ...finished, opening: opening(provider && { provider }) } }).provider;

  test("are on the provider's own clock", () => {
    const use = { keyId: "k1", seenAtMs: 5_000, lastUsedAtMs: 1_000, requests: 0 };
    const other = { keyId: "k2", seenAtMs: 5_000 };
    expect(withProvider({ observedAtMs: 5_000, lagMs: 60, retiring: use, incoming: other })).toEqual({
      ...{ claim: "observed", at: "1970-01-01T00:00:05.000Z", clock: "the provider's own", lagMs: 60 },
      retiring: {
        ...{ keyId: "k1", seenAt: "1970-01-01T00:00:05.000Z", requests: 0 },
        lastUsedAt: "1970-01-01T00:00:01.000Z",
      },
      incoming: { keyId: "k2", seenAt: "1970-01-01T00:00:05.000Z" },
    });
  });

  test("are only those that it gave", () => {
    expect(withProvider({ observedAtMs: 5_000 })).toEqual({
      ...{ claim: "observed", at: "1970-01-01T00:00:05.000Z", clock: "the provider's own" },
    });
    expect(withProvider(undefined)).toBeUndefined();
  });
});

test("every reason to wait that was asked about stood no more", () => {
  expect(said().gate.asked).toEqual([{ reason: "Held", stands: false }]);
});

describe("what was not checked", () => {
  const noSignal = "use of the keys as the provider counts it: the policy names no such signal";
  const always = "programs that hold the key and report to nobody";
  const { controls: _none, ...uncontrolled } = death;
  const { opening: _gate, ...ungated } = finished;
  const { proof: _proof, ...unproven } = finished;

  test.each<[string, RunFacts, readonly string[]]>([
    ["the provider's figures, if no policy asks for them", finished, [noSignal]],
    ["nothing more, with them", { ...finished, opening: opening({ provider: { observedAtMs: 1 } }) }, []],
    [
      "the gate, if no record of it is kept",
      ungated,
      ["the adoption gate: the key was revoked before this run, and no record of the gate is kept"],
    ],
    [
      "the incoming key, if no run proved it",
      unproven,
      ["the incoming key before its promotion: no run of Rekey that proved it is on record", noSignal],
    ],
    [
      "a call with the key, if only the listing shows that it is gone",
      { ...finished, death: { ...uncontrolled, how: "listing" } },
      [
        "a call with the retiring key itself: nobody holds its plaintext, so it only is missing from the listing",
        noSignal,
      ],
    ],
    [
      "the refusing call, if the record holds no controls",
      { ...finished, death: uncontrolled },
      ["that the refusing call accepts a live key: the record holds no controls", noSignal],
    ],
    [
      "the refusing call, if no live key was at hand",
      { ...finished, death: { ...death, controls: { neverIssued: "refused" } } },
      ["that the refusing call accepts a live key: the incoming key's version could not be read", noSignal],
    ],
    [
      "that nobody uses the secret, if the policy says so",
      { ...finished, policy: { ...finished.policy, consumers: "none" } },
      [noSignal, "that nobody uses the secret: the policy says so"],
    ],
  ])("is %s", (_, run, sentences) => {
    expect(said({ run }).notChecked).toEqual([...sentences, always]);
  });
});
