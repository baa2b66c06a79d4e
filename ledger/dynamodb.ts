import { randomUUID } from "node:crypto";
import {
  CreateTableCommand,
  type DynamoDBClient,
  UpdateTimeToLiveCommand,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import {
  DeleteCommand,
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
} from "@aws-sdk/lib-dynamodb";
import { failureIn } from "../aws/failure.ts";
import { InputInvalid, type RotationError, StoreUnavailable } from "../core/errors.ts";
import type { Table, TableKey, TableRecord } from "../core/ports.ts";
import {
  assertKey,
  assertQuery,
  assertRevision,
  assertWithinMax,
  compareUtf8,
  plainBody,
  recordsMax,
} from "./record-rules.ts";

/** DynamoDB pages by 1 MB; a partition of more pages than this has to be read in parts. */
const pagesMax = 200;
const tableReadyWaitMaxSeconds = 30;

type Query = Parameters<Table["query"]>[0];

/** The ledger's table on DynamoDB: strongly consistent reads and conditional writes of single items. */
export function dynamoTable(client: DynamoDBClient, tableName: string): Table {
  const documents = DynamoDBDocumentClient.from(client);
  const TableName = tableName;

  return {
    async get(key) {
      const answer = await documents
        .send(new GetCommand({ TableName, Key: itemKey(key), ConsistentRead: true }))
        .catch((error) => refuse(error, "GetItem"));
      return answer.Item && recordOf(answer.Item);
    },

    async put(record) {
      assertRevision(record);
      const item = itemOf(record);
      try {
        await documents.send(new PutCommand({ TableName, Item: item, ...conditionFor(record) }));
        return true;
      } catch (error) {
        const conflict = conflictIn(error);
        if (!conflict) return refuse(error, "PutItem");
        return conflict.attempts > 1 && (await isStored(documents, { tableName, item }));
      }
    },

    async remove(key) {
      await documents
        .send(new DeleteCommand({ TableName, Key: itemKey(key) }))
        .catch((error) => refuse(error, "DeleteItem"));
    },

    async query(query) {
      assertQuery(query);
      return liesBeyondPrefix(query) ? [] : readPages(documents, { tableName, query });
    },
  };
}

/**
 * Creates the table and waits until it accepts writes. Only for the local cloud: in production the template
 * creates it.
 */
export async function createTable(client: DynamoDBClient, name: string): Promise<void> {
  const command = new CreateTableCommand({
    TableName: name,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "pk", AttributeType: "S" },
      { AttributeName: "sk", AttributeType: "S" },
    ],
    KeySchema: [
      { AttributeName: "pk", KeyType: "HASH" },
      { AttributeName: "sk", KeyType: "RANGE" },
    ],
  });
  await client.send(command).catch((error) => {
    if (error.name !== "ResourceInUseException") throw error;
  });
  const wait = { client, maxWaitTime: tableReadyWaitMaxSeconds, minDelay: 1, maxDelay: 1 };
  await waitUntilTableExists(wait, { TableName: name });
  const TimeToLiveSpecification = { AttributeName: forgetAttribute, Enabled: true };
  await client
    .send(new UpdateTimeToLiveCommand({ TableName: name, TimeToLiveSpecification }))
    .catch((error) => {
      // Some stand-ins have no time to live, and one that has it on already refuses to turn it on again. Both
      // are fine.
      if (error.name !== "UnknownOperationException" && error.name !== "ValidationException") throw error;
    });
}

type Item = Record<string, unknown>;

/**
 * DynamoDB's time to live, in seconds since the epoch. DynamoDB deletes within days, so a record may still be
 * there after its time.
 */
export const forgetAttribute = "forgetAt";

function itemKey(key: TableKey): { pk: string; sk: string } {
  assertKey(key);
  return { pk: `${key.kind}#${key.id}`, sk: key.sort };
}

/** `writeId` tells our own write from an equal write of somebody else. */
function itemOf(record: TableRecord): Item {
  const { revision, body, forgetAtMs } = record;
  const item = { ...itemKey(record), revision, body: plainBody(body), writeId: randomUUID() };
  return forgetAtMs === undefined ? item : { ...item, [forgetAttribute]: Math.ceil(forgetAtMs / 1000) };
}

function recordOf(item: Item): TableRecord {
  const name = String(item["pk"]);
  const split = name.indexOf("#");
  const forgetAt = item[forgetAttribute];
  return {
    kind: name.slice(0, split),
    id: name.slice(split + 1),
    sort: String(item["sk"]),
    revision: Number(item["revision"]),
    body: item["body"],
    ...(forgetAt !== undefined && { forgetAtMs: Number(forgetAt) * 1000 }),
  };
}

function conditionFor({ revision }: TableRecord) {
  if (revision === 1) return { ConditionExpression: "attribute_not_exists(pk)" };
  return {
    ConditionExpression: "revision = :previous",
    ExpressionAttributeValues: { ":previous": revision - 1 },
  };
}

function conflictIn(error: unknown): { readonly attempts: number } | undefined {
  if (!(error instanceof Error) || error.name !== "ConditionalCheckFailedException") return undefined;
  const { $metadata } = error as Error & { readonly $metadata?: { readonly attempts?: number } };
  return { attempts: $metadata?.attempts ?? 1 };
}

/**
 * If the reply to a write is lost, the SDK repeats it and is refused because of its own first write. The
 * stored `writeId` then shows whose write it was.
 */
async function isStored(
  documents: DynamoDBDocumentClient,
  { tableName, item }: { readonly tableName: string; readonly item: Item },
): Promise<boolean> {
  const key = { pk: item["pk"], sk: item["sk"] };
  const answer = await documents
    .send(new GetCommand({ TableName: tableName, Key: key, ConsistentRead: true }))
    .catch((error) => refuse(error, "GetItem"));
  return answer.Item?.["writeId"] === item["writeId"];
}

async function readPages(
  documents: DynamoDBDocumentClient,
  { tableName, query }: { readonly tableName: string; readonly query: Query },
): Promise<readonly TableRecord[]> {
  const { limit = recordsMax + 1 } = query;
  const records: TableRecord[] = [];
  let startKey = startKeyOf(query);
  for (let page = 0; page < pagesMax; page += 1) {
    const input = { ...queryInput(query), TableName: tableName, Limit: limit - records.length };
    const answer = await documents
      .send(new QueryCommand(startKey ? { ...input, ExclusiveStartKey: startKey } : input))
      .catch((error) => refuse(error, "Query"));
    records.push(...(answer.Items ?? []).map(recordOf));
    assertWithinMax(query, records.length);
    startKey = answer.LastEvaluatedKey;
    if (!startKey || records.length >= limit) return records;
  }
  throw new InputInvalid(`${query.kind}#${query.id} is larger than ${pagesMax} MB: page through it`);
}

function queryInput({
  kind,
  id,
  prefix = "",
  newestFirst = false,
}: Query): Omit<QueryCommandInput, "TableName"> {
  const pk = `${kind}#${id}`;
  const order = { ConsistentRead: true, ScanIndexForward: !newestFirst };
  if (prefix === "") {
    return { ...order, KeyConditionExpression: "pk = :pk", ExpressionAttributeValues: { ":pk": pk } };
  }
  return {
    ...order,
    KeyConditionExpression: "pk = :pk and begins_with(sk, :prefix)",
    ExpressionAttributeValues: { ":pk": pk, ":prefix": prefix },
  };
}

/** DynamoDB accepts a start key only from the range that the condition describes. */
function startKeyOf({ kind, id, prefix = "", after }: Query): Item | undefined {
  if (after === undefined || after === "" || !after.startsWith(prefix)) return undefined;
  return { pk: `${kind}#${id}`, sk: after };
}

/** True if every record with the prefix comes before `after` in reading order, so that none is left. */
function liesBeyondPrefix({ prefix = "", after, newestFirst = false }: Query): boolean {
  if (after === undefined) return false;
  if (after === "") return newestFirst;
  if (after.startsWith(prefix)) return false;
  return compareUtf8(after, prefix) > 0 !== newestFirst;
}

/** The SDK's message is dropped, because it may quote the item. */
function refuse(error: unknown, operation: string): never {
  throw refusalOf(error, operation);
}

function refusalOf(error: unknown, operation: string): RotationError {
  const { kind, name } = failureIn(error);
  if (kind !== "refused")
    return new StoreUnavailable(`the ledger is not available now (${operation}, ${name})`);
  return new InputInvalid(`the ledger refused ${operation} with ${name}`);
}
