import { openRun } from "../../../core/rotation/lease.ts";
import {
  awaitedTurn,
  noteRefused,
  turnText,
  whyNoRunOpens,
  whyNotOpen,
} from "../../../core/rotation/open.ts";
import { emptyRecord } from "../../../core/rotation/secret-record.ts";
import { recordIn, retiring, secretArn } from "./record-world.ts";

const free = emptyRecord(secretArn);
const hold = { by: "ada", reason: "a launch" };
const frozen = { reason: "AWSCURRENT was changed" };

test("a run opens on a secret that nobody has", () => {
  expect(whyNotOpen({ ...free, ended: ["r-0"] }, "r-1")).toBeUndefined();
  expect(whyNoRunOpens({ ...free, ended: ["r-0"] })).toBeUndefined();
});

test("the first reason wins: ended before, busy, held, frozen", () => {
  const all = { ...recordIn("promoted"), ended: ["r-2"], hold, frozen };
  const { lease: _freed, ...unleased } = all;
  const { hold: _lifted, ...unheld } = unleased;

  expect(whyNotOpen(all, "r-2")).toEqual({ reason: "Duplicate", detail: "this run ended before" });
  expect(whyNotOpen(all, "r-3")).toEqual({ reason: "Busy", detail: "r-1 holds the secret" });
  expect(whyNotOpen(unleased, "r-3")).toEqual({ reason: "Held", detail: "held by ada: a launch" });
  expect(whyNotOpen(unheld, "r-3")).toEqual({ reason: "Frozen", detail: "AWSCURRENT was changed" });
});

test("the newest run that could not begin is kept, until another one opens", () => {
  const refused = { rotationId: "r-1", atMs: 2_000, reason: "KeyShared: another secret holds it" };
  const noted = noteRefused(free, refused);
  expect(noted.refused).toEqual(refused);
  // One that is settled late, or once more, says nothing new.
  expect(noteRefused(noted, { ...refused, rotationId: "r-0", atMs: 1_000 })).toBe(noted);
  expect(noteRefused(noted, refused)).toBe(noted);
  expect(noteRefused(noted, { ...refused, atMs: 3_000 }).refused?.atMs).toBe(3_000);
  const opening = { rotationId: "r-2", executionArn: "arn:execution:r-2", kind: "rotation" } as const;
  expect(openRun(noted, { ...opening, retiring }).refused).toBeUndefined();
});

describe("a run that waits for its turn", () => {
  const turn = { rotationId: "r-9", account: "main", atMs: 1_000_000 };
  const { lease: _none, ...idle } = recordIn("opened");

  test("is told of until it is late, and while no run holds the secret", () => {
    expect(awaitedTurn({ ...idle, turn }, 0)).toEqual(turn);
    expect(awaitedTurn({ ...idle, turn }, 1_300_000)).toEqual(turn);
    expect(awaitedTurn({ ...idle, turn }, 1_300_001)).toBeUndefined();
    expect(awaitedTurn(idle, 0)).toBeUndefined();
    expect(awaitedTurn({ ...recordIn("opened"), turn }, 0)).toBeUndefined();
  });

  test("is named with its account and time", () => {
    expect(turnText(turn)).toBe("waits for its turn at account main, at about 1970-01-01 00:16:40Z");
  });
});
