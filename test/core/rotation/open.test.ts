import { whyNoRunOpens, whyNotOpen } from "../../../core/rotation/open.ts";
import { emptyRecord } from "../../../core/rotation/secret-record.ts";
import { recordIn, secretArn } from "./record-world.ts";

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
