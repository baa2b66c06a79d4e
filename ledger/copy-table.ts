/**
 * `npm run ledger:copy -- --from TABLE --to TABLE [--replace [--keep-audit]]`: copies every item of one ledger's table
 * into another, as it is. docs/restore.md says when. Nothing may write to either of them meanwhile.
 */
import { setTimeout as pause } from "node:timers/promises";
import { parseArgs } from "node:util";
import {
  type AttributeValue,
  BatchWriteItemCommand,
  DynamoDBClient,
  paginateScan,
  type WriteRequest,
} from "@aws-sdk/client-dynamodb";
import { awsBounds } from "../aws/bounds.ts";

/** DynamoDB takes no more in one request. */
const batchMax = 25;
const attemptsMax = 10;
const pauseMs = 200;

type Item = Record<string, AttributeValue>;

export interface Copied {
  readonly copied: number;
  /** Items of the target that the source does not have. */
  readonly removed: number;
}

export interface Copying {
  readonly from: string;
  readonly to: string;
  /** Without it, a target that has any item is left as it is: two ledgers cannot be mixed. */
  readonly isReplacing?: boolean;
  /** The audit log of the target stays: signed checkpoints confirm entries that an older source does not have. */
  readonly keepsAudit?: boolean;
}

export async function copyTable(
  client: DynamoDBClient,
  { from, to, isReplacing = false, keepsAudit = false }: Copying,
): Promise<Copied> {
  if (from === to) throw new Error("the two tables are the same");
  const isMoved = (item: Item) => !(keepsAudit && isAudit(item));
  const before = await all(client, to);
  if (before.length > 0 && !isReplacing)
    throw new Error(`${to} has ${before.length} items: --replace removes what ${from} does not have`);
  const items = (await all(client, from)).filter(isMoved);
  const kept = new Set(items.map(nameOf));
  const gone = before.filter((item) => isMoved(item) && !kept.has(nameOf(item)));
  const requests: readonly WriteRequest[] = [
    ...items.map((Item) => ({ PutRequest: { Item } })),
    ...gone.map(({ pk, sk }) => ({ DeleteRequest: { Key: keyOf(pk, sk) } })),
  ];
  for (let at = 0; at < requests.length; at += batchMax)
    await write(client, { table: to, requests: requests.slice(at, at + batchMax) });
  return { copied: items.length, removed: gone.length };
}

async function all(client: DynamoDBClient, TableName: string): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const { Items = [] } of paginateScan({ client }, { TableName, ConsistentRead: true }))
    items.push(...Items);
  return items;
}

/** DynamoDB gives back what it had no room for. */
async function write(
  client: DynamoDBClient,
  { table, requests }: { readonly table: string; readonly requests: WriteRequest[] },
): Promise<void> {
  let left = requests;
  for (let attempt = 1; left.length > 0; attempt++) {
    if (attempt > attemptsMax) throw new Error(`${table} did not take ${left.length} items: run it again`);
    if (attempt > 1) await pause(pauseMs * 2 ** attempt);
    const { UnprocessedItems = {} } = await client.send(
      new BatchWriteItemCommand({ RequestItems: { [table]: left } }),
    );
    left = UnprocessedItems[table] ?? [];
  }
}

/** What happened, and the next step. */
export function whyNotCopied(
  error: unknown,
  { from, to }: Copying,
): { readonly message: string; readonly hint?: string } {
  const { name, message } = error instanceof Error ? error : new Error(String(error));
  if (name === "Error") return { message };
  const hints: Readonly<Record<string, string>> = {
    ResourceNotFoundException: `is one of ${from} and ${to} in another Region or account? \`aws dynamodb list-tables\` shows what is here`,
    AccessDeniedException: `it takes dynamodb:Scan on ${from} and ${to}, and dynamodb:BatchWriteItem on ${to}`,
    CredentialsProviderError: "log in, or name a profile with AWS_PROFILE",
    ExpiredTokenException: "log in again: the credentials have expired",
  };
  const hint = hints[name] ?? "what was copied stays; run the same command again with --replace";
  return { message: `AWS refused: ${name}: ${message}`, hint };
}

const isAudit = ({ pk }: Item) => /^AUDIT(?:ID)?#/.test(pk?.S ?? "");

const nameOf = ({ pk, sk }: Item) => `${pk?.S}\0${sk?.S}`;

function keyOf(pk: AttributeValue | undefined, sk: AttributeValue | undefined): Item {
  if (pk === undefined || sk === undefined) throw new Error("an item without pk and sk is not the ledger's");
  return { pk, sk };
}

const options = {
  from: { type: "string" },
  to: { type: "string" },
  replace: { type: "boolean", default: false },
  "keep-audit": { type: "boolean", default: false },
} as const;

if (import.meta.main) {
  const { from, to, replace: isReplacing, "keep-audit": keepsAudit } = parseArgs({ options }).values;
  if (!from || !to) {
    console.error("usage: npm run ledger:copy -- --from TABLE --to TABLE [--replace [--keep-audit]]");
    process.exit(2);
  }
  const copying = { from, to, isReplacing, keepsAudit };
  try {
    const { copied, removed } = await copyTable(new DynamoDBClient(awsBounds), copying);
    console.error(`rekey: copied ${copied} items to ${to}, and removed ${removed}`);
  } catch (error) {
    const { message, hint } = whyNotCopied(error, copying);
    console.error(`rekey: error: ${message}${hint === undefined ? "" : `\nrekey: hint: ${hint}`}`);
    process.exitCode = 1;
  }
}
