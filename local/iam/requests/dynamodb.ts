import { type Ask, type Asked, arnIn, type Known, type Operations, objectsIn, textIn } from "../asked.ts";
import type { Context } from "../match.ts";

/** The table's partition key; its value is what `dynamodb:LeadingKeys` compares. */
const partitionKey = "pk";

type Given = Readonly<Record<string, unknown>>;

interface Item {
  readonly action: string;
  readonly table: string;
  readonly leadingKeys?: readonly string[];
  readonly context?: Context;
}

function asked({ action, table, leadingKeys, context }: Item, known: Known): Asked {
  return {
    action: `dynamodb:${action}`,
    resource: arnIn(known, "dynamodb", `table/${table}`),
    context: { ...context, ...(leadingKeys !== undefined && { "dynamodb:leadingkeys": leadingKeys }) },
  };
}

/** DynamoDB decrypts the table's own key on the caller's behalf. */
function tableKeyUse(table: string, known: Known): readonly Asked[] {
  const resource = known.keyOfTable(table);
  if (resource === undefined) return [];
  const context = {
    "kms:viaservice": `dynamodb.${known.region}.amazonaws.com`,
    "kms:calleraccount": known.account,
    "kms:encryptioncontext:aws:dynamodb:tablename": table,
    "kms:encryptioncontextkeys": ["aws:dynamodb:tableName", "aws:dynamodb:subscriberId"],
  };
  return [{ action: "kms:Decrypt", resource, context }];
}

/** The call's items, each asked for, and the keys of the tables that they are in. */
function onItems(itemsOf: (input: Given) => readonly Item[]): Ask {
  return ({ input }, known) => {
    const items = itemsOf(input);
    const tables = [...new Set(items.map(({ table }) => table))];
    return [
      ...items.map((item) => asked(item, known)),
      ...tables.flatMap((table) => tableKeyUse(table, known)),
    ];
  };
}

function onItem(action: string, member: "Key" | "Item"): Ask {
  return onItems((input) => [
    {
      ...{ action, table: textIn(input, "TableName"), leadingKeys: [leadingKeyOf(input[member])] },
      context: { "dynamodb:returnvalues": textIn(input, "ReturnValues") || "NONE" },
    },
  ]);
}

/** A call of many items is judged item by item. */
function onBatch(action: string, keysOf: (request: unknown) => readonly unknown[]): Ask {
  return onItems((input) =>
    Object.entries((input["RequestItems"] ?? {}) as Given).map(([table, request]) => ({
      ...{ action, table, leadingKeys: keysOf(request).map(leadingKeyOf) },
    })),
  );
}

const transactionActions: Readonly<Record<string, string>> = {
  Put: "PutItem",
  Update: "UpdateItem",
  Delete: "DeleteItem",
  ConditionCheck: "ConditionCheckItem",
  Get: "GetItem",
};

/** Each part of a transaction needs the permission that it would need alone. */
function onTransaction(operation: string): Ask {
  return onItems((input) =>
    objectsIn(input["TransactItems"]).flatMap((part) =>
      Object.entries(part).map(([kind, given]) => {
        const { TableName, Key, Item } = given as Given;
        return {
          ...{ action: transactionActions[kind] ?? kind, table: String(TableName) },
          leadingKeys: [leadingKeyOf(Key ?? Item)],
          context: { "dynamodb:enclosingoperation": operation },
        };
      }),
    ),
  );
}

/** `ref` may be written as `#name`; the value stands in ExpressionAttributeValues. */
const query = onItems((input) => {
  const names = (input["ExpressionAttributeNames"] ?? {}) as Readonly<Record<string, string>>;
  const values = (input["ExpressionAttributeValues"] ?? {}) as Given;
  const condition = textIn(input, "KeyConditionExpression");
  const leadingKeys = [...condition.matchAll(/(#?\w+)\s*=\s*(:\w+)/g)]
    .filter(([, name = ""]) => (names[name] ?? name) === partitionKey)
    .map(([, , value = ""]) => stringOf(values[value]));
  return [
    {
      ...{ action: "Query", table: textIn(input, "TableName"), leadingKeys },
      context: { "dynamodb:select": textIn(input, "Select") || "ALL_ATTRIBUTES" },
    },
  ];
});

/** A scan has no leading key. */
const scan = onItems((input) => [{ action: "Scan", table: textIn(input, "TableName") }]);

const onTable =
  (action: string): Ask =>
  ({ input }, known) => [asked({ action, table: textIn(input, "TableName") }, known)];

function leadingKeyOf(item: unknown): string {
  return typeof item === "object" && item !== null ? stringOf((item as Given)[partitionKey]) : "";
}

function stringOf(value: unknown): string {
  return typeof value === "object" && value !== null ? String((value as Given)["S"] ?? "") : "";
}

export const dynamoRequests: Operations = {
  GetItem: onItem("GetItem", "Key"),
  PutItem: onItem("PutItem", "Item"),
  UpdateItem: onItem("UpdateItem", "Key"),
  DeleteItem: onItem("DeleteItem", "Key"),
  Query: query,
  Scan: scan,
  BatchGetItem: onBatch("BatchGetItem", (request) => objectsIn((request as Given)["Keys"])),
  BatchWriteItem: onBatch("BatchWriteItem", (requests) =>
    objectsIn(requests).map(({ PutRequest, DeleteRequest }) =>
      PutRequest !== undefined ? (PutRequest as Given)["Item"] : (DeleteRequest as Given)["Key"],
    ),
  ),
  TransactWriteItems: onTransaction("TransactWriteItems"),
  TransactGetItems: onTransaction("TransactGetItems"),
  CreateTable: onTable("CreateTable"),
  DescribeTable: onTable("DescribeTable"),
  UpdateTimeToLive: onTable("UpdateTimeToLive"),
  DescribeTimeToLive: onTable("DescribeTimeToLive"),
  DeleteTable: onTable("DeleteTable"),
  ListTables: () => [{ action: "dynamodb:ListTables", resource: "*" }],
};
