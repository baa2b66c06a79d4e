import fc from "fast-check";
import { forgetKey, neverCame, nextTryMs, standingOf } from "../../core/sweep.ts";
import { minute } from "./adoption-world.ts";
import { phases, recordIn } from "./record-world.ts";

const numRuns = 300;
fc.configureGlobal({ seed: 20_260_101 });

const anyPhase = fc.constantFrom(...phases);

describe("the sweep", () => {
  const nothing = { mayBeCurrent: new Set<string>(), inIncidents: new Set<string>() };
  const runs = new Set(["r-1", "r-0"]);

  test("calls no key a stray that some record uses, by its id, or whose run is at work", () => {
    const listed = fc.record({
      keyId: fc.constantFrom("key-1", "key-2", "key-3"),
      name: fc.constantFrom("by hand", "rekey/r-1/1", "rekey/r-0/4", "rekey/r-9/1"),
      status: fc.constant("active" as const),
    });
    fc.assert(
      fc.property(anyPhase, listed, fc.boolean(), (phase, key, isOver) => {
        const { lease: _freed, ...free } = recordIn(phase);
        const record = isOver ? free : recordIn(phase);
        const standing = standingOf(key, { ...nothing, runs, records: [record] });
        const isUsed = key.keyId === "key-1" || (key.keyId === "key-2" && phase !== "opened");
        const isBusy = !isOver && key.name === "rekey/r-1/1";
        if (isUsed || isBusy || key.name === "by hand" || key.name === "rekey/r-9/1") {
          expect(standing).not.toBe("stray");
        }
      }),
      { numRuns },
    );
  });

  test("forgets no key of a run at work, and none that is or was current", () => {
    fc.assert(
      fc.property(anyPhase, fc.constantFrom("by hand", "rekey/r-1/1"), (phase, name) => {
        const record = recordIn(phase);
        expect(forgetKey(record, name)).toBe(record);
        expect(neverCame(record, new Set())).toEqual([]);
      }),
      { numRuns },
    );
  });

  test("tries a debt again ever more seldom, and at least once a day", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100 }), (tries) => {
        expect(nextTryMs(tries + 1)).toBeGreaterThanOrEqual(nextTryMs(tries));
        expect(nextTryMs(tries)).toBeLessThanOrEqual(24 * 60 * minute);
      }),
      { numRuns },
    );
  });
});
