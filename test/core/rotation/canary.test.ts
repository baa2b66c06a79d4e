import { Aborted, Superseded } from "../../../core/errors.ts";
import { canariesMax, canariesOf, claimCanary, markDiscarded } from "../../../core/rotation/incoming.ts";
import type { SecretRecord } from "../../../core/rotation/secret-record.ts";
import { incoming, late, recordIn, runs, ticket } from "./record-world.ts";

/** The key that the run has staged was its first attempt. */
function staged(run: Partial<typeof runs.staged> = {}): SecretRecord {
  const record = recordIn("staged", { run: { ...runs.staged, ...run } });
  const keys = record.keys.map((key) => (key.keyId === incoming.keyId ? { ...key, attempt: 1 } : key));
  return { ...record, keys };
}

function claimed(record: SecretRecord): SecretRecord {
  const next = claimCanary(record, ticket);
  if (next === undefined) throw new Error("no canary was claimed");
  return next;
}

describe("a new admin credential that is tried", () => {
  test("intends each key before it is asked for, under a number that no other key of the run had", () => {
    const once = claimed(staged());
    expect(once.keys.at(-1)).toEqual({
      ...{ name: "rekey/r-1/2", state: "intended", rotationId: "r-1", attempt: 2 },
    });
    const gone = markDiscarded(once, ticket, "rekey/r-1/2");
    expect(claimed(gone).keys.at(-1)?.name).toBe("rekey/r-1/3");
    expect(once.seq).toBe(staged().seq + 1);
  });

  test("names the keys that may be at the provider, and neither the run's own key nor another run's", () => {
    const record = claimed(staged());
    expect(canariesOf(record).map(({ name }) => name)).toEqual(["rekey/r-1/2"]);
    const foreign = { name: "rekey/r-0/9", state: "intended", rotationId: "r-0", attempt: 9 } as const;
    const seen = { name: "rekey/r-1/9", state: "stray", rotationId: "r-1", attempt: 9 } as const;
    const byHand = { name: "by hand", state: "intended", rotationId: "r-1" } as const;
    expect(canariesOf({ ...staged(), keys: [...staged().keys, foreign, seen, byHand] })).toEqual([]);
    expect(canariesOf(recordIn("promoted"))).toEqual([]);
    const { run: _none, ...idle } = staged();
    expect(canariesOf(idle)).toEqual([]);
  });

  test("is tried a few times in one run, and only before it is proven", () => {
    let record = staged();
    for (let tries = 0; tries < canariesMax; tries++) record = claimed(record);
    expect(claimCanary(record, ticket)).toBeUndefined();
    expect(claimCanary(recordIn("proven"), ticket)).toBeUndefined();
  });

  test("a key that a person supplied has no number of its own", () => {
    const record = recordIn("staged", { run: { ...runs.staged, attempt: 0 } });
    const keys = record.keys.map(({ attempt: _none, ...key }) => key);
    expect(canariesOf(claimed({ ...record, keys })).map(({ name }) => name)).toEqual(["rekey/r-1/1"]);
  });

  test("a run that was overtaken or ended by a person tries nothing", () => {
    expect(() => claimCanary(staged(), late)).toThrow(Superseded);
    const aborted = { by: "ada", reason: "a mistake", atMs: 1 };
    expect(() => claimCanary(staged({ aborted } as never), ticket)).toThrow(Aborted);
  });
});
