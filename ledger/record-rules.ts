import { InputInvalid } from "../core/errors.ts";
import type { Table, TableKey, TableRecord } from "../core/ports.ts";

/** If a partition has more records than this, the caller has to page through it. */
export const recordsMax = 10_000;

/** DynamoDB's limits, in bytes: of one item with the names of its attributes, and of the two parts of its key. */
export const itemBytesMax = 400 * 1024;
const idBytesMax = 2_048;
const sortBytesMax = 1_024;

/** DynamoDB refuses empty keys. With a "#" in `kind`, two partitions could have the same name. */
export function assertKey({ kind, id, sort }: TableKey): void {
  if (kind === "" || kind.includes("#")) throw new InputInvalid(`"${kind}" is no kind of record`);
  if (id === "" || sort === "") throw new InputInvalid(`a ${kind} record needs an id and a sort`);
  if (Buffer.byteLength(`${kind}#${id}`) > idBytesMax || Buffer.byteLength(sort) > sortBytesMax)
    throw new InputInvalid(`the name of a ${kind} record is longer than DynamoDB takes`);
}

/** Every table refuses what DynamoDB would refuse: else a test stores what production cannot. */
export function assertSize(record: TableRecord): void {
  const bytes = itemBytes(record);
  if (bytes <= itemBytesMax) return;
  throw new InputInvalid(`a ${record.kind} record of ${bytes} bytes is larger than DynamoDB takes`);
}

/** As DynamoDB counts: names and texts in UTF-8, three bytes for a list or map and one for each of its parts. */
export function itemBytes({ kind, id, sort, revision, body }: TableRecord): number {
  return valueBytes({ pk: `${kind}#${id}`, sk: sort, revision, body, writeId: writeIdShape });
}

const writeIdShape = "00000000-0000-0000-0000-000000000000";
const numberBytesMax = 21;

function valueBytes(value: unknown): number {
  if (typeof value === "string") return Buffer.byteLength(value);
  if (typeof value === "number") return Math.min(numberBytesMax, Math.ceil(String(value).length / 2) + 1);
  if (typeof value !== "object" || value === null) return 1;
  let bytes = 3;
  if (Array.isArray(value)) {
    for (const part of value) bytes += 1 + valueBytes(part);
    return bytes;
  }
  for (const [name, part] of Object.entries(value))
    if (part !== undefined) bytes += 1 + Buffer.byteLength(name) + valueBytes(part);
  return bytes;
}

export function assertRevision({ kind, id, revision }: TableRecord): void {
  if (!Number.isSafeInteger(revision) || revision < 1) {
    throw new InputInvalid(`revision ${revision} of ${kind}#${id} is not a count of writes`);
  }
}

export function assertQuery({ kind, id, limit }: Parameters<Table["query"]>[0]): void {
  assertKey({ kind, id, sort: "any" });
  if (limit === undefined || (Number.isSafeInteger(limit) && limit > 0)) return;
  throw new InputInvalid(`limit ${limit} of a query on ${kind}#${id} is not a number of records`);
}

/** A number above 2^53 has 16 digits, or an exponent. Texts may look like this too: then the slow way says the same. */
const needsLook = /\d{16}|\de\+|"__proto__"/;

/**
 * `body` as JSON would carry it, so that every table stores the same and `__proto__` is not a field. Whole
 * numbers that a double would round are refused, as DynamoDB's client does.
 */
export function plainBody(body: unknown): unknown {
  const text = JSON.stringify(body);
  if (text === undefined) throw new InputInvalid("the body of a record has to be a JSON value");
  // Asking about each value takes several times as long as parsing does.
  if (!needsLook.test(text)) return JSON.parse(text);
  return JSON.parse(text, (key, value) => {
    if (typeof value === "number" && Math.abs(value) > Number.MAX_SAFE_INTEGER) {
      throw new InputInvalid(`the number in "${key}" is too large for a record`);
    }
    return key === "__proto__" ? undefined : value;
  });
}

export function assertWithinMax(
  partition: { readonly kind: string; readonly id: string },
  records: number,
): void {
  if (records <= recordsMax) return;
  throw new InputInvalid(
    `${partition.kind}#${partition.id} has more than ${recordsMax} records: page through them`,
  );
}

/** DynamoDB orders strings by their UTF-8 bytes. There, surrogates come after every other code unit. */
export function compareUtf8(a: string, b: string): number {
  const shorter = Math.min(a.length, b.length);
  for (let index = 0; index < shorter; index += 1) {
    const difference = utf8Rank(a.charCodeAt(index)) - utf8Rank(b.charCodeAt(index));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function utf8Rank(codeUnit: number): number {
  const isSurrogate = codeUnit >= 0xd800 && codeUnit <= 0xdfff;
  return isSurrogate ? codeUnit + 0x1_0000 : codeUnit;
}
