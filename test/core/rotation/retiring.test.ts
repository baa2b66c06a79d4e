import { Superseded } from "../../../core/errors.ts";
import { markProbed } from "../../../core/rotation/probed.ts";
import {
  debtKindIn,
  markQuarantined,
  markRestored,
  markRetiring,
  markRevoked,
} from "../../../core/rotation/retiring.ts";
import type { PromotedRun, SecretRecord } from "../../../core/rotation/secret-record.ts";
import { late, phases, phasesBefore, recordIn, runs, stateOf, ticket } from "./record-world.ts";

const deathOf = (record: SecretRecord) => (record.run as PromotedRun).death;

test("a quarantine is recorded with its time, and its undoing is remembered", () => {
  const disabled = markQuarantined(recordIn("promoted"), ticket, { quarantinedAtMs: 2_000 });
  expect(disabled.run).toEqual(runs.quarantined);
  expect(stateOf(disabled, "key-1")).toBe("quarantined");

  const restored = markRestored(disabled, ticket);
  expect(restored.run).toEqual({ ...runs.promoted, quarantinedAtMs: 2_000, quarantineUndone: true });
  expect(stateOf(restored, "key-1")).toBe("retiring");
  expect(markRestored(restored, ticket)).toBe(restored);
});

test("the intent to revoke, the revoke and the death move the run and its key together", () => {
  const intended = markRetiring(recordIn("promoted"), ticket, "revoking");
  expect([intended.run?.phase, stateOf(intended, "key-1")]).toEqual(["revoking", "revoking"]);

  const revoked = markRevoked(intended, ticket, { revokedAtMs: 3_000 });
  expect(revoked.run).toEqual(runs.revoked);
  expect(stateOf(revoked, "key-1")).toBe("revoked");

  const dead = markRetiring(revoked, ticket, "dead");
  expect(dead.run).toEqual(runs.dead);
  expect(dead.keys.map(({ keyId }) => keyId)).toEqual(["key-2"]);
  expect(dead.seq).toBe(43);
});

test("a revoke is owed until it is done, and then the proof of the death", () => {
  expect(phases.filter((phase) => debtKindIn(phase) === "DeathUnproven")).toEqual(["revoked", "dead"]);
  expect(debtKindIn("promoted")).toBe("RevokeOwed");
});

test("refusals count in a row, from the first of them", () => {
  const first = markProbed(recordIn("revoked"), ticket, { answer: "refused", atMs: 4_000 });
  const second = markProbed(first, ticket, { answer: "refused", atMs: 5_000 });
  expect(deathOf(first)).toEqual({ refusals: 1, firstRefusedAtMs: 4_000 });
  expect(deathOf(second)).toEqual({ refusals: 2, firstRefusedAtMs: 4_000 });

  const accepted = markProbed(second, ticket, { answer: "valid", atMs: 6_000 });
  expect(accepted.run).toEqual(runs.revoked);
  expect(deathOf(markProbed(accepted, ticket, { answer: "refused", atMs: 7_000 }))).toEqual({
    refusals: 1,
    firstRefusedAtMs: 7_000,
  });
});

const marks: readonly (readonly [string, (record: SecretRecord, held: typeof ticket) => SecretRecord])[] = [
  ["quarantined", (record, held) => markQuarantined(record, held, { quarantinedAtMs: 1 })],
  ["restored", markRestored],
  ["revoked", (record, held) => markRevoked(record, held, { revokedAtMs: 1 })],
  ["marked as revoking", (record, held) => markRetiring(record, held, "revoking")],
  ["probed", (record, held) => markProbed(record, held, { answer: "refused", atMs: 1 })],
];

test.each(marks)("a retiring key is not %s before the promotion, nor without the fence", (_what, mark) => {
  for (const phase of [...phasesBefore, "promoting"] as const) {
    expect(() => mark(recordIn(phase), ticket)).toThrow(Superseded);
  }
  expect(() => mark(recordIn("promoted"), late)).toThrow(Superseded);
});

test("a probe that changes nothing writes nothing: an inconclusive answer, or a key that was never refused", () => {
  const record = recordIn("revoked");
  const watched = markProbed(record, ticket, { answer: "refused", atMs: 4_000 });
  expect(markProbed(record, ticket, { answer: "valid", atMs: 4_000 })).toBe(record);
  expect(markProbed(watched, ticket, { answer: "inconclusive", atMs: 5_000 })).toBe(watched);
});
