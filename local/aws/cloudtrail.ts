import * as z from "zod";
import type { CloudTrailRecord } from "./cloudtrail-record.ts";
import { AwsError, type JsonService } from "./service.ts";

export interface CloudTrailOptions {
  readonly now?: (() => number) | undefined;
  /** AWS allows 2. If absent, nothing is throttled. */
  readonly requestsPerSecondMax?: number | undefined;
  /** How long a record stays invisible after it was written; on AWS some minutes. */
  readonly lagMs?: number | undefined;
}

export interface CloudTrail extends JsonService {
  /** Appends to the event history; services hand their records in here. */
  record(record: CloudTrailRecord): void;
}

const pageMax = 50;
const keptMax = 50_000;

const LookupEvents = z.object({
  LookupAttributes: z.array(z.object({ AttributeKey: z.string(), AttributeValue: z.string() })).optional(),
  StartTime: z.number().optional(),
  EndTime: z.number().optional(),
  MaxResults: z.int().optional(),
  NextToken: z.string().optional(),
});

type Lookup = z.infer<typeof LookupEvents>;

interface Kept {
  /** Counts up from 1, so that pages do not shift while new records arrive. */
  readonly number: number;
  readonly writtenAtMs: number;
  readonly atSeconds: number;
  readonly record: CloudTrailRecord;
}

/** The event history of one account and Region: LookupEvents only, newest first. */
export function cloudTrail({
  now = Date.now,
  requestsPerSecondMax,
  lagMs = 0,
}: CloudTrailOptions = {}): CloudTrail {
  const kept: Kept[] = [];
  /** The same by name of the event, for which almost every lookup asks. */
  const named = new Map<string, Kept[]>();
  let written = 0;
  const refuseTooMany = throttle(requestsPerSecondMax, now);

  const lookupEvents = (input: Record<string, unknown>) => {
    refuseTooMany();
    const lookup = readLookup(input);
    const before = positionOf(lookup.NextToken);
    const visibleUntilMs = now() - lagMs;
    const matches = matcherOf(lookup);
    const wanted = lookup.MaxResults ?? pageMax;
    const candidates = candidatesOf(lookup);
    const found: Kept[] = [];
    for (let at = startOf(candidates, before); at >= 0 && found.length <= wanted; at -= 1) {
      const each = candidates[at];
      if (each !== undefined && each.writtenAtMs <= visibleUntilMs && matches(each)) found.push(each);
    }
    const events = found.slice(0, wanted);
    const last = events.at(-1);
    const more = last && found.length > events.length;
    return {
      Events: events.map(({ record }) => asEvent(record)),
      ...(more ? { NextToken: Buffer.from(String(last.number)).toString("base64") } : {}),
    };
  };

  const candidatesOf = ({ LookupAttributes }: Lookup): readonly Kept[] => {
    const attribute = LookupAttributes?.[0];
    if (attribute?.AttributeKey !== "EventName") return kept;
    return named.get(attribute.AttributeValue) ?? [];
  };

  return {
    target: "CloudTrail_20131101",
    async call(operation, input) {
      if (operation === "LookupEvents") return lookupEvents(input);
      throw new AwsError("UnknownOperationException", `The operation ${operation} is not served here.`);
    },
    record(record) {
      written += 1;
      const atSeconds = Date.parse(record.eventTime) / 1000;
      const added = { number: written, writtenAtMs: now(), atSeconds, record };
      kept.push(added);
      const same = named.get(record.eventName) ?? [];
      if (same.push(added) === 1) named.set(record.eventName, same);
      const dropped = kept.length > keptMax ? kept.shift() : undefined;
      if (dropped !== undefined) named.get(dropped.record.eventName)?.shift();
    },
  };
}

function throttle(requestsPerSecondMax: number | undefined, now: () => number): () => void {
  let recent: readonly number[] = [];
  return () => {
    if (requestsPerSecondMax === undefined) return;
    const atMs = now();
    recent = recent.filter((earlierMs) => atMs - earlierMs < 1000);
    if (recent.length >= requestsPerSecondMax) throw new AwsError("ThrottlingException", "Rate exceeded");
    recent = [...recent, atMs];
  };
}

function readLookup(input: Record<string, unknown>): Lookup {
  const parsed = LookupEvents.safeParse(input);
  if (!parsed.success) throw new AwsError("ValidationException", "The lookup could not be read.");
  const { LookupAttributes = [], StartTime, EndTime, MaxResults } = parsed.data;
  if (LookupAttributes.length > 1) {
    throw new AwsError("InvalidLookupAttributesException", "Only one lookup attribute can be given.");
  }
  if (LookupAttributes.some(({ AttributeKey }) => !(AttributeKey in attributes))) {
    throw new AwsError("InvalidLookupAttributesException", "The lookup attribute is not known.");
  }
  if (StartTime !== undefined && EndTime !== undefined && EndTime < StartTime) {
    throw new AwsError("InvalidTimeRangeException", "The start time is after the end time.");
  }
  if (MaxResults !== undefined && (MaxResults < 1 || MaxResults > pageMax)) {
    throw new AwsError("InvalidMaxResultsException", `MaxResults must be between 1 and ${pageMax}.`);
  }
  return parsed.data;
}

function positionOf(token: string | undefined): number {
  if (token === undefined) return Number.POSITIVE_INFINITY;
  const position = Number(Buffer.from(token, "base64").toString());
  if (!Number.isInteger(position) || position < 1) {
    throw new AwsError("InvalidNextTokenException", "The token is not valid.");
  }
  return position;
}

/** The last one before this number. Numbers only grow. */
function startOf(candidates: readonly Kept[], before: number): number {
  let low = 0;
  let high = candidates.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((candidates[middle]?.number ?? 0) < before) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function matcherOf({ LookupAttributes, StartTime, EndTime }: Lookup): (kept: Kept) => boolean {
  const attribute = LookupAttributes?.[0];
  return ({ atSeconds, record }) => {
    if (StartTime !== undefined && atSeconds < Math.floor(StartTime)) return false;
    if (EndTime !== undefined && atSeconds > EndTime) return false;
    return (
      !attribute || (attributes[attribute.AttributeKey]?.(record) ?? []).includes(attribute.AttributeValue)
    );
  };
}

const attributes: Readonly<Record<string, (record: CloudTrailRecord) => readonly (string | undefined)[]>> = {
  EventId: ({ eventID }) => [eventID],
  EventName: ({ eventName }) => [eventName],
  EventSource: ({ eventSource }) => [eventSource],
  ReadOnly: ({ readOnly }) => [String(readOnly)],
  Username: (record) => [userNameOf(record)],
  AccessKeyId: ({ userIdentity }) => [userIdentity.accessKeyId],
  ResourceName: ({ resources = [] }) => resources.map(({ ARN }) => ARN),
  ResourceType: ({ resources = [] }) => resources.map(({ type }) => type),
};

function asEvent(record: CloudTrailRecord) {
  return {
    EventId: record.eventID,
    EventName: record.eventName,
    EventSource: record.eventSource,
    EventTime: Date.parse(record.eventTime) / 1000,
    ReadOnly: String(record.readOnly),
    AccessKeyId: record.userIdentity.accessKeyId,
    Username: userNameOf(record),
    Resources: (record.resources ?? []).map(({ ARN, type }) => ({ ResourceName: ARN, ResourceType: type })),
    CloudTrailEvent: JSON.stringify(record),
  };
}

/** For a role, event history shows the session's name. */
function userNameOf({ userIdentity }: CloudTrailRecord): string | undefined {
  return userIdentity.userName ?? userIdentity.principalId?.split(":")[1];
}
