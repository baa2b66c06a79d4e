import type { Table, TableKey, TableRecord } from "../../core/ports.ts";

/** What every table does, whoever keeps the records. */
export function tableContract(open: () => Table): void {
  describe("writing", () => writingCases(open));
  describe("reading a partition", () => queryCases(open));
}

let opened = 0;

/** A partition that no other test has used. */
export function newId(): string {
  opened += 1;
  return `arn:FAKE#${opened}`;
}

function writingCases(open: () => Table): void {
  test("a record comes back as it was put, with the id that holds a separator", async () => {
    const table = open();
    const record = recordOf({
      body: { phase: "minting", keys: [{ keyId: "k1", dead: false }], note: null, n: 1.5 },
    });

    expect(await table.put(record)).toBe(true);

    expect(await table.get(record)).toEqual(record);
  });

  test("the time at which a record may be forgotten comes back with it, and a later write may leave it out", async () => {
    const table = open();
    const record = recordOf({ forgetAtMs: 1_900_000_000_000, body: { seen: true } });
    await table.put(record);

    expect(await table.get(record)).toEqual(record);
    expect(await table.query({ kind: record.kind, id: record.id })).toEqual([record]);

    const { forgetAtMs: _never, ...kept } = { ...record, revision: 2 };
    await table.put(kept);
    expect(await table.get(record)).toEqual(kept);
  });

  test("a record that was never put is undefined", async () => {
    expect(await open().get(recordOf({}))).toBeUndefined();
  });

  test("a write wins only over the revision before it", async () => {
    const table = open();
    const first = recordOf({ body: { by: "a" } });

    expect(await table.put({ ...first, revision: 2 })).toBe(false);
    expect(await table.put(first)).toBe(true);
    expect(await table.put({ ...first, body: { by: "b" } })).toBe(false);
    expect(await table.put({ ...first, revision: 3 })).toBe(false);
    expect(await table.put({ ...first, revision: 2, body: { by: "c" } })).toBe(true);

    expect(await table.get(first)).toEqual({ ...first, revision: 2, body: { by: "c" } });
  });

  test("the same record put twice is refused the second time: two equal writers are not one", async () => {
    const table = open();
    const record = recordOf({ body: { attempt: 1 } });

    expect([await table.put(record), await table.put(record)]).toEqual([true, false]);
  });

  test("of many writers of one revision exactly one wins", async () => {
    const table = open();
    const record = recordOf({});
    const writers = Array.from({ length: 8 }, (_, writer) => table.put({ ...record, body: { writer } }));

    const won = await Promise.all(writers);

    expect(won.filter(Boolean)).toHaveLength(1);
    expect(await table.get(record)).toMatchObject({ body: { writer: won.indexOf(true) } });
  });

  test("a removed record is gone and can be put anew; removing it again is no error", async () => {
    const table = open();
    const record = recordOf({});
    await table.put(record);

    await table.remove(record);
    await table.remove(record);

    expect(await table.get(record)).toBeUndefined();
    expect(await table.put(record)).toBe(true);
  });

  test("changing an object after it was put or got changes no record", async () => {
    const table = open();
    const record = recordOf({ body: { live: ["k1"] } });
    await table.put(record);
    (record.body as { live: string[] }).live.push("k2");
    const got = (await table.get(record))?.body as { live: string[] } | undefined;
    // A table may share what it stores, if nobody can change it.
    if (!Object.isFrozen(got?.live)) got?.live.push("k3");

    expect((await table.get(record))?.body).toEqual({ live: ["k1"] });
  });

  test("what JSON does not carry is not stored, and __proto__ is no field", async () => {
    const table = open();
    const body = { ...JSON.parse('{"__proto__":{"held":true},"in":{"__proto__":{}}}'), gone: undefined };
    const record = recordOf({ body });
    await table.put(record);

    const got = (await table.get(record))?.body;

    expect(got).toEqual({ in: {} });
    expect((got as { held?: boolean }).held).toBeUndefined();
  });

  test.each([
    ["no kind", { kind: "" }],
    ["a kind with a separator", { kind: "KEY#1" }],
    ["no id", { id: "" }],
    ["no sort", { sort: "" }],
    ["revision 0", { revision: 0 }],
    ["half a revision", { revision: 1.5 }],
    ["a number that would be rounded", { body: { n: 2 ** 60 } }],
    ["no body", { body: undefined }],
  ])("a record with %s is refused", async (_, wrong) => {
    await expect(open().put({ ...recordOf({}), ...wrong })).rejects.toMatchObject({ name: "InputInvalid" });
  });
}

function queryCases(open: () => Table): void {
  test("a partition comes back in order of sort, and no other partition with it", async () => {
    const table = open();
    const id = await filled(table, ["b", "c", "a"]);
    await table.put(recordOf({ id: `${id}0`, sort: "a" }));
    await table.put(recordOf({ id, kind: "OTHER", sort: "a" }));

    expect(await sorts(table, { id })).toEqual(["a", "b", "c"]);
    expect(await sorts(table, { id, newestFirst: true })).toEqual(["c", "b", "a"]);
    expect(await table.query({ kind: "KEY", id, limit: 1 })).toEqual([recordOf({ id, sort: "a" })]);
  });

  test("an empty partition is an empty list", async () => {
    expect(await open().query({ kind: "KEY", id: newId() })).toEqual([]);
  });

  test("pages continue after the last record of the page before, in both directions", async () => {
    const table = open();
    const id = await filled(table, ["a", "b", "c", "d"]);

    expect(await sorts(table, { id, after: "a", limit: 2 })).toEqual(["b", "c"]);
    expect(await sorts(table, { id, after: "d", limit: 2, newestFirst: true })).toEqual(["c", "b"]);
    expect(await sorts(table, { id, after: "bb" })).toEqual(["c", "d"]);
    expect(await sorts(table, { id, after: "d" })).toEqual([]);
  });

  test("a prefix bounds the page wherever it starts", async () => {
    const table = open();
    const id = await filled(table, ["a#1", "k#1", "k#2", "k#3", "z#1"]);
    const keys = { id, prefix: "k#" };

    expect(await sorts(table, keys)).toEqual(["k#1", "k#2", "k#3"]);
    expect(await sorts(table, { ...keys, after: "k#1" })).toEqual(["k#2", "k#3"]);
    expect(await sorts(table, { ...keys, after: "a#1" })).toEqual(["k#1", "k#2", "k#3"]);
    expect(await sorts(table, { ...keys, after: "z#1" })).toEqual([]);
    expect(await sorts(table, { ...keys, after: "z#1", newestFirst: true })).toEqual(["k#3", "k#2", "k#1"]);
    expect(await sorts(table, { ...keys, after: "a#1", newestFirst: true })).toEqual([]);
  });

  test("the order is that of UTF-8 bytes", async () => {
    const table = open();
    const id = await filled(table, ["\u{1f511}", "\uff5e", "é", "z"]);

    expect(await sorts(table, { id })).toEqual(["z", "é", "\uff5e", "\u{1f511}"]);
  });

  test("a limit that is no number of records is refused", async () => {
    await expect(open().query({ kind: "KEY", id: newId(), limit: 0 })).rejects.toMatchObject({
      name: "InputInvalid",
    });
  });
}

function recordOf(fields: Partial<TableRecord>): TableRecord {
  return { kind: "KEY", id: newId(), sort: "k1", revision: 1, body: {}, ...fields };
}

async function filled(table: Table, wanted: readonly string[]): Promise<TableKey["id"]> {
  const id = newId();
  for (const sort of wanted) await table.put(recordOf({ id, sort }));
  return id;
}

async function sorts(table: Table, query: Omit<Parameters<Table["query"]>[0], "kind">): Promise<string[]> {
  return (await table.query({ kind: "KEY", ...query })).map(({ sort }) => sort);
}
