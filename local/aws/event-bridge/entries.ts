import { randomUUID } from "node:crypto";
import type { BusEvent } from "../event.ts";
import { invalid, isObject } from "../input.ts";

type Entry = Readonly<Record<string, unknown>>;

const entriesMax = 10;
const bytesMax = 1024 * 1024;
const detailTypeMax = 128;
const depthMax = 1_000;

/** What makes AWS refuse a whole PutEvents request. */
export function refuseEntries(entries: readonly Entry[]): void {
  if (entries.length < 1 || entries.length > entriesMax) {
    throw invalid(`entries must have between 1 and ${entriesMax} members`);
  }
  if (entries.reduce((bytes, entry) => bytes + sizeOf(entry), 0) >= bytesMax) {
    throw invalid("Total size of the entries in the request is over the limit.");
  }
}

/** AWS counts 14 bytes for a Time and the UTF-8 length of everything else. */
function sizeOf({ Time, Source, DetailType, Detail, Resources }: Entry): number {
  const texts = [Source, DetailType, Detail, ...(Array.isArray(Resources) ? Resources : [])];
  const bytes = texts.reduce(
    (sum: number, text) => sum + (typeof text === "string" ? Buffer.byteLength(text) : 0),
    0,
  );
  return bytes + (Time === undefined ? 0 : 14);
}

/** What makes AWS refuse one entry and take the others. */
export function entryFailure(entry: Entry): { ErrorCode: string; ErrorMessage: string } | undefined {
  for (const member of ["Source", "DetailType", "Detail"]) {
    const value = entry[member];
    if (typeof value !== "string" || value === "") {
      return {
        ErrorCode: "InvalidArgument",
        ErrorMessage: `Parameter ${member} is not valid. Reason: ${member} is a required argument.`,
      };
    }
  }
  if (String(entry["Source"]).startsWith("aws.")) {
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: "Not authorized for the source." };
  }
  if (String(entry["DetailType"]).length > detailTypeMax) {
    const ErrorMessage = `Parameter DetailType is not valid. Reason: DetailType has at most ${detailTypeMax} characters.`;
    return { ErrorCode: "InvalidArgument", ErrorMessage };
  }
  if (!isDetail(String(entry["Detail"])))
    return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  return undefined;
}

function isDetail(text: string): boolean {
  try {
    const detail: unknown = JSON.parse(text);
    return isObject(detail) && depthWithin(detail, depthMax);
  } catch {
    return false;
  }
}

function depthWithin(value: unknown, left: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return left > 0 && Object.values(value).every((inner) => depthWithin(inner, left - 1));
}

/** The account is always the caller's, even if another account owns the bus. */
export function entryEvent(entry: Entry, { account, region }: { account: string; region: string }): BusEvent {
  const { Time, Source, DetailType, Detail, Resources } = entry;
  const at = typeof Time === "number" ? new Date(Time * 1000) : new Date();
  return {
    version: "0",
    id: randomUUID(),
    "detail-type": String(DetailType),
    source: String(Source),
    account,
    time: `${at.toISOString().slice(0, 19)}Z`,
    region,
    resources: Array.isArray(Resources) ? Resources.map(String) : [],
    detail: JSON.parse(String(Detail)),
  };
}
