import { CreateBucketCommand, GetObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { StoreUnavailable } from "../../core/errors.ts";
import type { Table } from "../../core/ports.ts";
import { ledgerShelf, s3Shelf } from "../../functions/adapters/report-shelf.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { s3 } from "../../local/aws/s3.ts";
import { startCloud } from "../../local/aws/server.ts";
import { brokenLine, onLine } from "./broken-line.ts";
import { reportsContract, type ShelfWorld } from "./reports-contract.ts";
import { simulatedEdges } from "./simulated-edges.ts";

const bucket = "rekey-audit";

describe("the simulator's", () => reportsContract(simulatedWorld));
describe("a bucket", () => reportsContract(bucketWorld));
describe("the ledger", () => reportsContract(ledgerWorld));

test("a bucket that is not there is no reason to wait", async () => {
  const { client, close } = await startBucket();

  const filing = s3Shelf(client, { bucket: "missing" }).file("i-1", { json: "{}", markdown: "" });
  await expect(filing).rejects.toMatchObject({ name: "InputInvalid", retry: "never" });

  await close();
});

async function simulatedWorld(): Promise<ShelfWorld> {
  const { deps, edges, line, close } = simulatedEdges();
  return {
    reports: deps.reports,
    async found({ incidentId }) {
      const { json = "", markdown = "" } =
        edges.incident.reports.findLast((each) => each.incidentId === incidentId) ?? {};
      return { json, markdown };
    },
    breakNext: line.breakNext,
    close: async () => close(),
  };
}

async function bucketWorld(): Promise<ShelfWorld> {
  const { client, close } = await startBucket();
  const line = brokenLine();
  const read = async (Key: string) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key }));
    return (await Body?.transformToString()) ?? "";
  };
  return {
    reports: s3Shelf(onLine(client, line), { bucket }),
    async found({ path }) {
      const key = path.replace(`s3://${bucket}/`, "");
      return { json: await read(key.replace(/md$/, "json")), markdown: await read(key) };
    },
    breakNext: line.breakNext,
    close,
  };
}

async function ledgerWorld(): Promise<ShelfWorld> {
  const table = memoryTable();
  const line = brokenLine();
  const put: Table["put"] = async (record) => {
    const breaksOff = line.take();
    const isTaken = breaksOff !== "before" && (await table.put(record));
    if (breaksOff !== undefined) throw new StoreUnavailable("the table did not answer");
    return isTaken;
  };
  return {
    reports: ledgerShelf({ ledger: ledgerOn({ ...table, put }) }),
    async found({ path }) {
      const [kind = "", id = ""] = path.replace("ledger:", "").split("#");
      return (await ledgerOn(table).documents.read({ kind, id, sort: "latest" })) ?? {};
    },
    breakNext: line.breakNext,
    close: async () => undefined,
  };
}

async function startBucket() {
  const cloud = await startCloud({ services: [s3()] });
  const credentials = { accessKeyId: "FAKE", secretAccessKey: "FAKE" };
  const client = new S3Client({
    endpoint: cloud.url,
    region: "eu-west-1",
    credentials,
    forcePathStyle: true,
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  const close = async () => {
    client.destroy();
    await cloud.close();
  };
  return { client, close };
}
