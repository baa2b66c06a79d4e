import { markContained, markContaining, takeSecret } from "../../../core/incident/takeover.ts";
import type { LedgerKey } from "../../../core/keys.ts";
import { incoming, incomingKey, recordIn, retiring, runs, secretArn } from "../rotation/record-world.ts";

const other: LedgerKey = {
  ...{ name: "rekey/r-0/1", state: "revoked", keyId: "key-0", versionId: "v-0", fingerprint: "sha256:0" },
};
const takeover = {
  ...{
    incidentId: "i-1",
    executionArn: "arn:i-1",
    secretTag: "tag",
    keyId: retiring.keyId,
    current: retiring,
  },
};
const stateOf = (keys: readonly LedgerKey[], keyId: string) => keys.find((key) => key.keyId === keyId)?.state;

test("a leaked current key keeps what the ledger knows of it, whatever keys stand beside it", () => {
  const expiring = { ...recordIn("opened").keys[0], expiresAtMs: 77 } as LedgerKey;
  const { run: _run, lease: _lease, ...free } = recordIn("opened", { keys: [other, expiring] });
  const { record } = takeSecret(free, takeover);
  expect(record.keys.find(({ keyId }) => keyId === retiring.keyId)).toMatchObject({
    ...{ name: "by hand", expiresAtMs: 77, state: "current" },
  });
  expect(record.keys).toHaveLength(2);
});

test("a key that the ledger does not know is taken by its id", () => {
  const { record } = takeSecret({ secretArn, fence: 1, seq: 0, ended: [], keys: [] }, takeover);
  expect(record.keys).toMatchObject([{ name: retiring.keyId, state: "current" }]);
});

test("only the reused incoming key changes hands: the keys beside it keep their runs", () => {
  const keys = [...recordIn("staged").keys, { ...other, rotationId: "r-0" }];
  const { record, reused } = takeSecret(recordIn("staged", { keys }), takeover);
  expect(reused).toBe(true);
  expect(record.keys.map(({ keyId, rotationId }) => [keyId, rotationId])).toEqual([
    [retiring.keyId, undefined],
    [incoming.keyId, record.run?.rotationId],
    ["key-0", "r-0"],
  ]);
});

describe("containing one key", () => {
  const left: LedgerKey = { ...incomingKey, keyId: "key-9", name: "rekey/r-9/1", state: "retiring" };

  test("does not touch those beside it", () => {
    const record = recordIn("promoted", { keys: [other, left, ...recordIn("promoted").keys] });
    const contained = markContaining(record, { key: { keyId: "key-9" }, state: "revoking" });
    expect(stateOf(contained.keys, "key-9")).toBe("revoking");
    expect(stateOf(contained.keys, retiring.keyId)).toBe("retiring");
    const done = markContained(contained, { keyId: "key-9", revokedAtMs: 5 });
    expect(stateOf(done.keys, "key-9")).toBe("revoked");
    expect(stateOf(done.keys, retiring.keyId)).toBe("retiring");
    expect(done.run).toEqual(runs.promoted);
  });

  test.each<[LedgerKey["state"], "quarantined" | "revoking"]>([
    ["revoked", "revoking"],
    ["dead", "revoking"],
    ["revoking", "revoking"],
    ["revoking", "quarantined"],
    ["revoked", "quarantined"],
    ["dead", "quarantined"],
    ["quarantined", "quarantined"],
  ])("that is %s stays so, when a late call would make it %s", (state, late) => {
    const keys = [{ ...left, state, compromised: true as const }];
    const record = recordIn("promoted", { keys });
    expect(markContaining(record, { key: { keyId: "key-9" }, state: late })).toBe(record);
  });

  test("goes on from a quarantine to a revoke", () => {
    const keys = [{ ...left, state: "quarantined" as const, compromised: true as const }];
    const next = markContaining(recordIn("promoted", { keys }), {
      key: { keyId: "key-9" },
      state: "revoking",
    });
    expect(stateOf(next.keys, "key-9")).toBe("revoking");
  });
});
