import { canonicalJson } from "../../audit/canonical-json.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import type { Table, TableRecord } from "../../core/ports.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { arn, digest, logOf, newLog, now, otherArn, place } from "./audit-world.ts";

describe("the chain", () => {
  test("entries come back in the order in which they were appended, each with the hash of the one before", async () => {
    const { log, told } = await logOf(["mint", "promote", "revoke"]);

    const entries = await told();

    expect(entries).toMatchObject([
      { seq: 1, id: "mint", secretArn: arn, atMs: now(), actor: "rekey", detail: { keyId: "mint" } },
      { seq: 2, id: "promote", previousHash: entries[0]?.hash },
      { seq: 3, id: "revoke", previousHash: entries[1]?.hash },
    ]);
    expect(await log.verify(arn)).toEqual({ entries: 3, verified: true, headHash: entries[2]?.hash });
  });

  test("each secret has a chain of its own, and an empty one is sound", async () => {
    const { log } = await logOf(["mint"]);

    expect(await log.verify(otherArn)).toMatchObject({ entries: 0, verified: true });
  });

  test("appending the same id again changes nothing, however much was appended since", async () => {
    const { tell, told, table } = await logOf(["mint", "promote", "revoke"]);
    const before = await told();

    await tell("mint");
    await tell("revoke");

    expect(await told()).toEqual(before);
    expect(await table.query({ kind: "AUDIT", id: arn })).toHaveLength(3);
  });

  test("appends at the same moment are all written once", async () => {
    const { log, tell, told } = newLog();

    await Promise.all(["a", "b", "a", "c", "b", "a"].map(tell));

    expect((await told()).map(({ id }) => id).sort()).toEqual(["a", "b", "c"]);
    expect(await log.verify(arn)).toMatchObject({ entries: 3, verified: true });
  });

  test("an append that was frozen before its write, and goes on after its successor's, writes nothing twice", async () => {
    const { table, log, tell, told } = await logOf(["mint"]);
    const frozen = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    const slowTable: Table = {
      ...table,
      async put(record) {
        if (record.kind === "AUDIT") {
          reached.resolve();
          await frozen.promise;
        }
        return table.put(record);
      },
    };
    const thawed = newLog(slowTable).tell("promote");
    await reached.promise;
    await tell("other");
    await tell("promote");
    frozen.resolve();
    await thawed;

    expect((await told()).map(({ id }) => id)).toEqual(["mint", "other", "promote"]);
    expect(await log.verify(arn)).toMatchObject({ verified: true });
  });

  test("an append that failed between its claim and its write is written when it is repeated", async () => {
    const { table, tell, told } = await logOf(["mint"]);
    const failing: Table = {
      ...table,
      put: async (record) => {
        if (record.kind === "AUDIT") throw new StoreUnavailable("the ledger is not available now");
        return table.put(record);
      },
    };

    await expect(newLog(failing).tell("promote")).rejects.toMatchObject({ name: "StoreUnavailable" });
    await tell("promote");

    expect((await told()).map(({ id }) => id)).toEqual(["mint", "promote"]);
  });

  test("a teller that always comes too late gives up", async () => {
    const table: Table = { ...memoryTable(), put: async ({ kind }) => kind !== "AUDIT" };

    await expect(newLog(table).tell("mint")).rejects.toMatchObject({
      name: "LedgerContended",
      retry: "later",
    });
  });

  test("hostile names and long text are kept whole enough to verify", async () => {
    const { log, told } = newLog();
    const detail = {
      ...JSON.parse('{"__proto__":"x"}'),
      name: "\ud800\n\u0000",
      long: "x".repeat(5_000),
      n: Number.NaN,
      half: 0.5,
      ms: 5,
    };

    await log.append(arn, { id: "step", actor: "a", action: "b", detail });

    expect(await told()).toMatchObject([
      {
        id: "step",
        detail: { name: "\ufffd\n\u0000", long: "x".repeat(1_024), n: "NaN", half: "0.5", ms: 5 },
      },
    ]);
    expect(await log.verify(arn)).toMatchObject({ verified: true });
  });

  test.each(["", "x".repeat(257), "\udc00"])(
    "an id that could be taken for another is refused",
    async (id) => {
      await expect(newLog().tell(id)).rejects.toMatchObject({ name: "InputInvalid" });
    },
  );

  test("an event without a time of its own is dated, and one with no time at all is refused", async () => {
    const { log, told } = newLog();
    const event = { id: "a", actor: "rekey", action: "mint" };

    await log.append(arn, { ...event, atMs: 5 });
    await expect(log.append(arn, { ...event, id: "b", atMs: Number.NaN })).rejects.toMatchObject({
      name: "InputInvalid",
    });

    expect(await told()).toMatchObject([{ id: "a", atMs: 5 }]);
  });

  test("a log longer than a page is read to its end", async () => {
    const { log } = await logOf(Array.from({ length: 501 }, (_, index) => `step ${index}`));

    expect(await log.verify(arn)).toMatchObject({ entries: 501, verified: true });
  });
});

describe("a tampered chain", () => {
  const tampering: [string, (table: Table) => Promise<void>, { brokenAt: number; why: string }][] = [
    [
      "an edited entry",
      (table) => rewrite(table, 2, (body) => ({ ...body, actor: "somebody" })),
      { brokenAt: 2, why: "entry 2 was changed after it was written" },
    ],
    [
      "an added field",
      (table) => rewrite(table, 2, (body) => ({ ...body, waived: true })),
      { brokenAt: 2, why: "entry 2 was changed after it was written" },
    ],
    [
      "an edited entry with a hash that fits it",
      (table) => rewrite(table, 2, (body) => rehashed({ ...body, actor: "somebody" })),
      { brokenAt: 3, why: "entry 3 does not follow the entry before it" },
    ],
    ["a removed entry", (table) => table.remove(place(2)), { brokenAt: 2, why: "entry 2 is missing" }],
    [
      "a removed entry whose successors moved up",
      async (table) => {
        const third = await bodyAt(table, 3);
        await rewrite(table, 2, () => rehashed({ ...third, seq: 2 }));
        await rewrite(table, 3, () => rehashed({ ...third, seq: 3 }));
      },
      { brokenAt: 2, why: "entry 2 does not follow the entry before it" },
    ],
    [
      "two entries that changed places",
      async (table) => {
        const [second, third] = [await bodyAt(table, 2), await bodyAt(table, 3)];
        await rewrite(table, 2, () => third);
        await rewrite(table, 3, () => second);
      },
      { brokenAt: 2, why: "entry 2 is missing" },
    ],
    [
      "an entry that was written twice",
      async (table) => {
        const second = await bodyAt(table, 2);
        await rewrite(table, 3, () => second);
      },
      { brokenAt: 3, why: "entry 2 stands in the place of entry 3" },
    ],
    [
      "an entry of another secret",
      (table) => rewrite(table, 2, (body) => rehashed({ ...body, secretArn: otherArn })),
      { brokenAt: 2, why: `entry 2 belongs to ${otherArn}` },
    ],
    [
      "an entry that is none",
      (table) => rewrite(table, 2, () => ({ note: "gone" })),
      { brokenAt: 2, why: "entry 2 is no audit entry" },
    ],
  ];

  test.each(tampering)("with %s breaks where it was touched", async (_, tamper, expected) => {
    const { table, log } = await logOf(["a", "b", "c", "d"]);

    await tamper(table);

    expect(await log.verify(arn)).toEqual({ entries: expected.brokenAt - 1, verified: false, ...expected });
  });
});

async function bodyAt(table: Table, seq: number): Promise<Record<string, unknown>> {
  return (await table.get(place(seq)))?.body as Record<string, unknown>;
}

/** What somebody with write access to the table can do: put anything in an entry's place. */
async function rewrite(
  table: Table,
  seq: number,
  change: (body: Record<string, unknown>) => Record<string, unknown>,
): Promise<void> {
  const stored = (await table.get(place(seq))) as TableRecord;
  const body = change(stored.body as Record<string, unknown>);
  await table.put({ ...stored, revision: stored.revision + 1, body });
}

function rehashed({ hash: _, ...body }: Record<string, unknown>): Record<string, unknown> {
  return { ...body, hash: digest.sha256Hex(canonicalJson(body)) };
}
