import type { LedgerKey } from "../../../core/keys.ts";
import { keysOf, statesNow } from "../../../core/rotation/left-keys.ts";
import { emptyRecord, type Run } from "../../../core/rotation/secret-record.ts";

const retiring = { keyId: "k1", versionId: "v1", fingerprint: "f1" };
const opened: Run = { phase: "opened", rotationId: "r-2", attempt: 2, retiring };
const keys: readonly LedgerKey[] = [
  { name: "k1", state: "current", ...retiring },
  { name: "rekey/r-1/1", state: "staged", keyId: "k2", rotationId: "r-1" },
  { name: "rekey/r-2/1", state: "stray", rotationId: "r-2" },
  { name: "other", state: "retiring", keyId: "k9", rotationId: "r-0" },
];
const record = { ...emptyRecord("arn:1"), keys };

test("the retiring key and the run's own keys are its keys; an intended one has no id yet", () => {
  expect(keysOf(record, opened)).toEqual([
    { role: "retiring", name: "k1", ...retiring, state: "current" },
    { role: "incoming", name: "rekey/r-2/1", state: "stray" },
  ]);
});

test("a run that resumes another counts that one's incoming key as its own", () => {
  const incoming = { keyId: "k2", versionId: "v2", fingerprint: "f2" };
  expect(keysOf(record, { ...opened, phase: "staged", incoming }).map(({ name }) => name)).toEqual([
    ...["k1", "rekey/r-1/1", "rekey/r-2/1"],
  ]);
});

test("a key that its policy keeps is retained", () => {
  const kept = { ...record, keys: keys.map((key) => ({ ...key, retained: true as const })) };
  expect(keysOf(kept, opened)[0]?.state).toBe("retained");
  expect(statesNow(keysOf(record, opened), kept)[0]?.state).toBe("retained");
});

test("one that has left the secret's item was discarded; the others are as they are now", () => {
  const now = { ...record, keys: keys.slice(0, 1) };
  expect(statesNow(keysOf(record, opened), now).map(({ name, state }) => [name, state])).toEqual([
    ["k1", "current"],
    ["rekey/r-2/1", "discarded"],
  ]);
});
