import { createHash } from "node:crypto";
import type { Server } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { auditLog } from "../../audit/chain.ts";
import { copyTable, whyNotCopied } from "../../ledger/copy-table.ts";
import { createTable, dynamoTable } from "../../ledger/dynamodb.ts";
import { ledgerOn } from "../../ledger/ledger.ts";

const dynalite: (options: { createTableMs: number }) => Server = createRequire(import.meta.url)("dynalite");
const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-key-AbCdEf";
const digest = { sha256Hex: (text: string) => createHash("sha256").update(text).digest("hex") };
const server = dynalite({ createTableMs: 0 });
let client: DynamoDBClient;

beforeAll(async () => {
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const credentials = { accessKeyId: "FAKE", secretAccessKey: "FAKE" };
  client = new DynamoDBClient({ endpoint, region: "eu-west-1", credentials });
  for (const name of ["live", "backup", "moved", "empty"]) await createTable(client, name);
});

afterAll(async () => {
  client.destroy();
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
});

const logOn = (name: string) => auditLog({ table: dynamoTable(client, name), digest, now: () => 1_000 });

async function append(name: string, from: number, to: number): Promise<void> {
  for (let nth = from; nth <= to; nth++) {
    const entry = { id: `e${nth}`, atMs: nth, actor: "ada", action: "Noted", detail: { nth } };
    await logOn(name).append(secretArn, entry);
  }
}

test("a ledger that was moved is the same ledger: its chain verifies and goes on", async () => {
  await append("live", 1, 30);
  await ledgerOn(dynamoTable(client, "live")).documents.change<string>(
    { kind: "REPLAY", id: "seen", sort: "seen" },
    () => "once",
    { forgetAtMs: 5_000 },
  );

  const { copied, removed } = await copyTable(client, { from: "live", to: "moved" });

  expect(copied).toBeGreaterThan(30);
  expect(removed).toBe(0);
  const verified = await logOn("moved").verify(secretArn);
  expect(verified).toMatchObject({ verified: true, entries: 30 });
  expect(verified).toEqual(await logOn("live").verify(secretArn));
  expect(await dynamoTable(client, "moved").get({ kind: "REPLAY", id: "seen", sort: "seen" })).toEqual(
    await dynamoTable(client, "live").get({ kind: "REPLAY", id: "seen", sort: "seen" }),
  );
  await append("moved", 31, 31);
  expect(await logOn("moved").verify(secretArn)).toMatchObject({ verified: true, entries: 31 });
});

test("a ledger that has entries is replaced only when that is said, and then has no later ones", async () => {
  await copyTable(client, { from: "live", to: "backup" });
  const { headHash } = (await logOn("live").verify(secretArn)) as { readonly headHash: string };
  await append("live", 31, 40);
  const restore = { from: "backup", to: "live" };

  await expect(copyTable(client, { ...restore, isReplacing: false })).rejects.toThrow(
    /^live has \d+ items: --replace removes what backup does not have$/,
  );
  expect(await logOn("live").verify(secretArn)).toMatchObject({ entries: 40 });
  expect(await copyTable(client, { ...restore, isReplacing: true })).toMatchObject({
    removed: expect.any(Number),
  });

  expect(await logOn("live").verify(secretArn)).toMatchObject({ verified: true, entries: 30, headHash });
});

test("what a signed checkpoint confirmed, and the restored table has not, is a break that is named", async () => {
  await append("backup", 31, 32);
  const { headHash } = (await logOn("backup").verify(secretArn)) as { readonly headHash: string };

  expect(await logOn("live").verify(secretArn, [{ seq: 32, hash: headHash }])).toMatchObject({
    verified: false,
    brokenAt: 31,
  });
});

test("the audit log of the target is kept where that is said, and goes on under its checkpoints", async () => {
  const { documents } = ledgerOn(dynamoTable(client, "live"));
  const later = { kind: "REPLAY", id: "later", sort: "seen" };
  await append("live", 31, 33);
  await documents.change<string>(later, () => "once");
  const before = await logOn("live").verify(secretArn);

  await copyTable(client, { from: "moved", to: "live", isReplacing: true, keepsAudit: true });

  expect(await logOn("live").verify(secretArn)).toEqual(before);
  expect(await documents.read(later)).toBeUndefined();
  await append("live", 34, 34);
  expect(await logOn("live").verify(secretArn)).toMatchObject({ verified: true, entries: 34 });
});

test("one table is not copied into itself", async () => {
  await expect(copyTable(client, { from: "empty", to: "empty", isReplacing: true })).rejects.toThrow(
    "the two tables are the same",
  );
});

test("a refusal by AWS is a sentence with the next step, and our own says it all", async () => {
  const copying = { from: "rekey-old", to: "rekey-new" };
  const refused = (name: string) => whyNotCopied(Object.assign(new Error("not here"), { name }), copying);
  expect(refused("ResourceNotFoundException")).toEqual({
    message: "AWS refused: ResourceNotFoundException: not here",
    hint: expect.stringContaining("rekey-old and rekey-new in another Region"),
  });
  expect(refused("AccessDeniedException").hint).toContain("dynamodb:BatchWriteItem on rekey-new");
  expect(refused("ProvisionedThroughputExceededException").hint).toContain("--replace");
  expect(whyNotCopied(new Error("the two tables are the same"), copying)).toEqual({
    message: "the two tables are the same",
  });
});
