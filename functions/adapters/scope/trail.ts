import { type CloudTrailClient, LookupEventsCommand } from "@aws-sdk/client-cloudtrail";
import * as z from "zod";
import { failureIn } from "../../../aws/failure.ts";
import { jsonOrNothing } from "../../../core/json.ts";
import type { Clock, SecretArn, VersionId } from "../../../core/ports.ts";

/** One read of one secret, from CloudTrail's event history. */
export interface SecretRead {
  /** The role behind the session, or the user. */
  readonly principal: string;
  readonly account: string;
  /** The ARN as KMS records it, or whatever the caller wrote: a name, a partial ARN or a full one. */
  readonly secretId: string;
  readonly versionId?: VersionId;
  readonly address?: string;
  readonly agent?: string;
  readonly atMs: number;
}

export interface Lookup {
  readonly eventName: "GetSecretValue" | "Decrypt";
  readonly sinceMs: number;
  readonly untilMs: number;
  /** On our clock: no page is requested after this. */
  readonly stopAtMs: number;
}

export interface Looked {
  readonly reads: readonly SecretRead[];
  readonly ended: "complete" | "timeBoxed" | "failed";
  /** Everything newer than this was seen. */
  readonly reachedBackToMs: number;
  readonly error?: string;
}

/** LookupEvents allows 2 requests a second for the whole account and Region. This leaves some for others. */
const pauseMs = 600;
const throttledPauseMs = 2_000;
const throttledMax = 5;
/** 50 events a page: some 20 minutes of paging, more than any time box. */
const pagesMax = 2_000;

/**
 * Reads the event history from the newest event back, page by page, until `sinceMs`, the time limit or an
 * error. Returns what was read until then, and how far back that reaches.
 */
export async function lookUpReads(
  client: Pick<CloudTrailClient, "send">,
  lookup: Lookup,
  clock: Clock,
): Promise<Looked> {
  const reads: SecretRead[] = [];
  let reachedBackToMs = lookup.untilMs;
  let token: string | undefined;
  for (let page = 0, throttled = 0; page < pagesMax; page += 1) {
    if (clock.nowMs() >= lookup.stopAtMs) return { reads, ended: "timeBoxed", reachedBackToMs };
    const answer = await nextPage(client, { lookup, token });
    if ("throttled" in answer) {
      throttled += 1;
      if (throttled > throttledMax) return { reads, ended: "timeBoxed", reachedBackToMs };
      await clock.pause(throttledPauseMs);
      continue;
    }
    if ("error" in answer) return { reads, ended: "failed", reachedBackToMs, error: answer.error };
    for (const { text, atMs } of answer.events) {
      reachedBackToMs = Math.min(reachedBackToMs, atMs);
      reads.push(...readIn(text, atMs));
    }
    token = answer.token;
    if (token === undefined) return { reads, ended: "complete", reachedBackToMs: lookup.sinceMs };
    await clock.pause(pauseMs);
  }
  return { reads, ended: "timeBoxed", reachedBackToMs };
}

type PageAnswer =
  | {
      readonly events: readonly { readonly text: string; readonly atMs: number }[];
      readonly token: string | undefined;
    }
  | { readonly throttled: true }
  | { readonly error: string };

async function nextPage(
  client: Pick<CloudTrailClient, "send">,
  { lookup, token }: { readonly lookup: Lookup; readonly token: string | undefined },
): Promise<PageAnswer> {
  const command = new LookupEventsCommand({
    LookupAttributes: [{ AttributeKey: "EventName", AttributeValue: lookup.eventName }],
    StartTime: new Date(lookup.sinceMs),
    EndTime: new Date(lookup.untilMs),
    MaxResults: 50,
    NextToken: token,
  });
  try {
    const { Events = [], NextToken } = await client.send(command);
    const events = Events.flatMap(({ CloudTrailEvent, EventTime }) =>
      CloudTrailEvent === undefined
        ? []
        : [{ text: CloudTrailEvent, atMs: EventTime?.getTime() ?? lookup.untilMs }],
    );
    return { events, token: NextToken };
  } catch (error) {
    const { kind, name } = failureIn(error);
    return kind === "throttled" ? { throttled: true } : { error: name };
  }
}

const Identity = z.object({
  arn: z.string().optional(),
  accountId: z.string().optional(),
  sessionContext: z
    .object({ sessionIssuer: z.object({ arn: z.string() }) })
    .optional()
    .catch(undefined),
});

const Entry = z.object({
  userIdentity: Identity,
  errorCode: z.string().optional(),
  sourceIPAddress: z.string().max(256).optional().catch(undefined),
  userAgent: z.string().max(1_024).optional().catch(undefined),
  requestParameters: z
    .object({
      secretId: z.string().optional(),
      versionId: z.string().optional(),
      encryptionContext: z
        .object({ SecretARN: z.string().optional(), SecretVersionId: z.string().optional() })
        .optional()
        .catch(undefined),
    })
    .nullable(),
});

/** A read that was refused gave nobody the key, so it is skipped. */
function readIn(text: string, atMs: number): readonly SecretRead[] {
  const entry = Entry.safeParse(jsonOrNothing(text));
  if (!entry.success || entry.data.errorCode !== undefined) return [];
  const { userIdentity, requestParameters, sourceIPAddress: address, userAgent: agent } = entry.data;
  const secretId = requestParameters?.encryptionContext?.SecretARN ?? requestParameters?.secretId;
  const versionId = requestParameters?.encryptionContext?.SecretVersionId ?? requestParameters?.versionId;
  const principal = userIdentity.sessionContext?.sessionIssuer.arn ?? userIdentity.arn;
  if (secretId === undefined || principal === undefined) return [];
  const account = userIdentity.accountId ?? "unknown";
  return [
    {
      ...{ principal, account, secretId, atMs },
      ...(versionId !== undefined && { versionId }),
      ...(address !== undefined && { address }),
      ...(agent !== undefined && { agent }),
    },
  ];
}

/** Callers may name a secret by its ARN, its ARN without the last six characters, or its name. */
export function namesOf(secretArn: SecretArn): readonly string[] {
  const withoutSuffix = secretArn.replace(/-[A-Za-z0-9]{6}$/, "");
  const name = withoutSuffix.split(":secret:")[1];
  return [secretArn, withoutSuffix, ...(name === undefined ? [] : [name])];
}

export function isSecret(secretId: string, secretArn: SecretArn): boolean {
  return namesOf(secretArn).includes(secretId);
}
