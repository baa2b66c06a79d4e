import { whatStaysAlive, whyNotLeave } from "../../../core/rotation/leave.ts";
import { emptyRecord, type Run, type SecretRecord } from "../../../core/rotation/secret-record.ts";

const place = (name: string) => ({
  keyId: `k-${name}`,
  versionId: `v-${name}`,
  fingerprint: `sha256:FAKE-${name}`,
});
const kept = { name: "n", state: "retiring", ...place("3") } as const;

function record(fields: Partial<SecretRecord> = {}): SecretRecord {
  return { ...emptyRecord("arn:FAKE"), ...fields };
}

function owed(phase: Run["phase"]): SecretRecord {
  const base = { rotationId: "r-1", attempt: 1, retiring: place("1"), incoming: place("2") };
  return record({ run: { ...base, phase, promotedAtMs: 1, deadlineAtMs: 2, owed: { reason: "x" } } as Run });
}

test("a secret that a run or an incident holds is not left, whatever the order says", () => {
  const lease = { runId: "r-1", kind: "rotation", executionArn: "arn:run" } as const;
  expect(whyNotLeave(record({ lease }), { leaveKeys: true })?.reason).toBe("Busy");
  expect(whyNotLeave(record(), { leaveKeys: false })).toBeUndefined();
});

test.each([
  ["promoted", ["k-1"]],
  ["promoting", ["k-1", "k-2"]],
  ["revoked", ["k-1"]],
  ["dead", []],
] as const)("what a run that is %s owes stays alive", (phase, alive) => {
  expect(whatStaysAlive(owed(phase))).toEqual(alive);
  const refusal = whyNotLeave(owed(phase), { leaveKeys: false });
  expect(refusal?.reason).toBe(alive.length === 0 ? undefined : "KeysAlive");
  expect(whyNotLeave(owed(phase), { leaveKeys: true })).toBeUndefined();
});

test("superseded keys and keys that the policy keeps count too", () => {
  expect(whatStaysAlive(record({ keys: [kept] }))).toEqual(["k-3"]);
  expect(whatStaysAlive(record({ keys: [{ ...kept, retained: true }] }))).toEqual(["k-3"]);
});
