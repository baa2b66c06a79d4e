import { asksBeforePromotion, whyNotPromote } from "../../../core/rotation/gate.ts";
import {
  finishWasCalled,
  nativeRunOf,
  nativeTokenOf,
  nativeWaitMaxMs,
  queuedMaxMs,
  queuedRotation,
  unqueue,
  whyFunctionChanged,
} from "../../../core/rotation/native.ts";
import { awaitedToken, whyNativeIsLost } from "../../../core/rotation/native-lost.ts";
import { emptyRecord, type Run } from "../../../core/rotation/secret-record.ts";

const token = "11111111-2222-4333-8444-555555555555";
const placed = (keyId: string) => ({ keyId, versionId: `v-${keyId}`, fingerprint: `sha256:${keyId}` });
const run = (rotationId: string): Run => ({
  ...{ rotationId, attempt: 1, retiring: placed("k1"), phase: "proven", incoming: placed("k2") },
});

test("a native run is named after its token, and no other run has one", () => {
  expect(nativeTokenOf(nativeRunOf(token))).toBe(token);
  expect(nativeTokenOf("r-1")).toBeUndefined();
});

test("its promotion waits for finishSecret of this run, and other runs wait for nothing of the kind", () => {
  const native = nativeRunOf(token);
  expect(finishWasCalled({ record: { run: run(native) } })).toMatchObject({ reason: "NotFinished" });
  expect(finishWasCalled({ record: { run: run(native), finished: "native-other" } })).toBeDefined();
  expect(finishWasCalled({ record: { run: run(native), finished: native } })).toBeUndefined();
  expect(finishWasCalled({ record: { run: run("r-1") } })).toBeUndefined();
  expect(finishWasCalled({ record: {} })).toBeUndefined();
  const record = { ...emptyRecord("arn:a"), run: run(native) };
  expect(whyNotPromote({ record, policy: {}, nowMs: 0 }).map(({ reason }) => reason)).toEqual([
    "NotFinished",
  ]);
  expect(asksBeforePromotion({}, native)).toBe(true);
  expect(asksBeforePromotion({}, "r-1")).toBe(false);
  expect(asksBeforePromotion({ approve: "before-promote" }, "r-1")).toBe(true);
});

test("another rotation function than the one that worked is named, and one that is switched off is not", () => {
  const ours = { nativeFunction: "arn:ours" };
  const enabled = { isEnabled: true, isScheduled: false };
  expect(whyFunctionChanged(ours, { ...enabled, functionArn: "arn:theirs" })).toContain("arn:theirs");
  expect(whyFunctionChanged(ours, enabled)).toContain("to none");
  expect(whyFunctionChanged(ours, { ...enabled, functionArn: "arn:ours" })).toBeUndefined();
  expect(whyFunctionChanged(ours, { isEnabled: false, isScheduled: false })).toBeUndefined();
  expect(whyFunctionChanged(ours, undefined)).toBeUndefined();
  expect(whyFunctionChanged({}, { ...enabled, functionArn: "arn:theirs" })).toBeUndefined();
});

test("what was queued is wanted for a day, and is taken off by its own token only", () => {
  const queued = { token, atMs: 1_000 };
  const record = { ...emptyRecord("arn:a"), queued };
  expect(queuedRotation(record, queuedMaxMs)).toBe(queued);
  expect(queuedRotation(record, queuedMaxMs + 1_000)).toBeUndefined();
  expect(queuedRotation({}, 0)).toBeUndefined();
  expect(unqueue(record, token)).toEqual(emptyRecord("arn:a"));
  expect(unqueue(record, "another")).toBe(record);
  expect(unqueue(emptyRecord("arn:a"), token)).toEqual(emptyRecord("arn:a"));
});

test("a run waits as long as Secrets Manager may come back before the promotion, and no other run is ended", () => {
  expect(whyNativeIsLost(token, { pending: token, waitedMs: nativeWaitMaxMs })).toBeUndefined();
  expect(whyNativeIsLost(token, { pending: token, waitedMs: nativeWaitMaxMs + 1 })?.detail).toMatch(
    "six hours",
  );
  for (const pending of [undefined, "v-9"])
    expect(whyNativeIsLost(token, { pending, waitedMs: 0 })).toMatchObject({ reason: "PendingHeld" });

  const wait = { rotationId: nativeRunOf(token), token: "t", decision: "supply" };
  const waiting = { run: run(nativeRunOf(token)), wait };
  expect(awaitedToken(waiting)).toBe(token);
  expect(awaitedToken({ run: waiting.run })).toBeUndefined();
  expect(awaitedToken({ ...waiting, run: run("r-1") })).toBeUndefined();
  expect(awaitedToken({ wait })).toBeUndefined();
  const promoted: Run = {
    ...{ rotationId: nativeRunOf(token), attempt: 1, retiring: placed("k1"), incoming: placed("k2") },
    ...{ phase: "promoted", promotedAtMs: 0, deadlineAtMs: 1 },
  };
  expect(awaitedToken({ run: promoted, wait })).toBeUndefined();
});
