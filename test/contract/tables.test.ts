import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import type { Table } from "../../core/ports.ts";
import { createTable, dynamoTable } from "../../ledger/dynamodb.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { watchedTable } from "../simulation/world/table.ts";
import { newId, tableContract } from "./table-contract.ts";

const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");

let server: Server;
const clients: DynamoDBClient[] = [];

beforeAll(async () => {
  server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  await createTable(newClient(), "ledger");
});

afterAll(async () => {
  for (const client of clients) client.destroy();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
});

function newClient(): DynamoDBClient {
  const { port } = server.address() as AddressInfo;
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: "eu-west-1",
    credentials: { accessKeyId: "FAKE", secretAccessKey: "FAKE" },
  });
  clients.push(client);
  return client;
}

describe("memory", () => tableContract(memoryTable));
describe("the simulator's", () => tableContract(() => watchedTable(() => undefined)));
describe("DynamoDB", () => tableContract(() => dynamoTable(newClient(), "ledger")));

test("a document that is changed keeps the time at which it may be forgotten", async () => {
  const table = memoryTable();
  const { documents } = ledgerOn(table);
  const key = { kind: "REPLAY", id: newId(), sort: "seen" };
  const count = (seen: number | undefined) => (seen ?? 0) + 1;

  await documents.change<number>(key, count, { forgetAtMs: 5_000 });
  await documents.change<number>(key, count);
  expect(await table.get(key)).toMatchObject({ body: 2, forgetAtMs: 5_000 });
  await documents.change<number>(key, count, { forgetAtMs: 9_000 });
  expect(await table.get(key)).toMatchObject({ body: 3, forgetAtMs: 9_000 });
});

test("memory and DynamoDB answer the same to the same queries", async () => {
  const table = dynamoTable(newClient(), "ledger");
  const sort = fc.string({
    minLength: 1,
    maxLength: 2,
    unit: fc.constantFrom("a", "b", "#", "é", "\uff5e", "\u{1f511}"),
  });
  const query = fc.record(
    {
      prefix: fc.oneof(fc.constant(""), sort),
      after: fc.oneof(fc.constant(""), sort),
      limit: fc.integer({ min: 1, max: 3 }),
      newestFirst: fc.boolean(),
    },
    { requiredKeys: [] },
  );
  const property = fc.asyncProperty(
    fc.uniqueArray(sort, { maxLength: 6 }),
    fc.array(query, { minLength: 1, maxLength: 5 }),
    async (sorts, queries) => {
      const memory = memoryTable();
      const id = newId();
      for (const each of sorts) {
        const record = { kind: "KEY", id, sort: each, revision: 1, body: {} };
        await memory.put(record);
        await table.put(record);
      }
      for (const each of queries) {
        expect(await table.query({ kind: "KEY", id, ...each })).toEqual(
          await memory.query({ kind: "KEY", id, ...each }),
        );
      }
    },
  );
  await fc.assert(property, { numRuns: 30 });
}, 30_000);

test("a dump of memory is ordered by kind, id and sort", async () => {
  const table = memoryTable();
  const records = ["b", "a"].flatMap((id) =>
    ["2", "1"].map((sort) => ({ kind: "KEY", id, sort, revision: 1, body: { id } })),
  );
  for (const record of records) await table.put(record);

  expect(table.dump()).toEqual([...records].reverse());
});

describe("DynamoDB, as it is called", () => {
  test("a write whose reply was lost is repeated by the SDK and counts as won", async () => {
    const table = dynamoTable(clientLosingReplies(1), "ledger");
    const record = { kind: "KEY", id: newId(), sort: "k1", revision: 1, body: { by: "us" } };

    expect(await table.put(record)).toBe(true);
    expect(await table.put(record)).toBe(false);
  });

  test("a repeat that meets an equal write of somebody else has lost", async () => {
    const record = { kind: "KEY", id: newId(), sort: "k1", revision: 1, body: { by: "anybody" } };
    const other = dynamoTable(newClient(), "ledger");
    await other.put(record);

    expect(await dynamoTable(clientLosingReplies(1), "ledger").put(record)).toBe(false);
  });

  test("a race that was plainly lost costs no second call", async () => {
    const client = newClient();
    const calls: (string | undefined)[] = [];
    client.middlewareStack.add((next, { commandName }) => (args) => {
      calls.push(commandName);
      return next(args);
    });
    const record = { kind: "KEY", id: newId(), sort: "k1", revision: 1, body: {} };
    await dynamoTable(newClient(), "ledger").put(record);

    expect(await dynamoTable(client, "ledger").put(record)).toBe(false);
    expect(calls).toHaveLength(1);
  });

  test("a table that cannot be reached may be asked later", async () => {
    const table = dynamoTable(clientLosingReplies(100), "ledger");
    const key = { kind: "KEY", id: newId(), sort: "k1" };

    const unavailable = { name: "StoreUnavailable", retry: "later" };
    await expect(table.get(key)).rejects.toMatchObject(unavailable);
    await expect(table.put({ ...key, revision: 1, body: {} })).rejects.toMatchObject(unavailable);
    await expect(table.query(key)).rejects.toMatchObject(unavailable);
    await expect(table.remove(key)).rejects.toMatchObject(unavailable);
  });

  test("a table that does not exist is no reason to wait", async () => {
    const table: Table = dynamoTable(newClient(), "missing");

    await expect(table.get({ kind: "KEY", id: newId(), sort: "k1" })).rejects.toMatchObject({
      name: "InputInvalid",
    });
  });

  /** The request takes effect, but its answer, or the refusal, never arrives; so the SDK sends it again. */
  function clientLosingReplies(replies: number): DynamoDBClient {
    const client = newClient();
    let left = replies;
    client.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args).catch((error: Error) => error);
        left -= 1;
        if (left >= 0) throw Object.assign(new Error("socket hang up"), { name: "TimeoutError" });
        if (answer instanceof Error) throw answer;
        return answer;
      },
      { step: "finalizeRequest", priority: "low", name: "loseReplies" },
    );
    return client;
  }
});
