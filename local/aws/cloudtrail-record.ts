import { createHash, randomUUID } from "node:crypto";
import type { Caller } from "./service.ts";

/** One event as it is in a log file, in an EventBridge `detail` and in LookupEvents' `CloudTrailEvent`. */
export interface CloudTrailRecord {
  readonly eventVersion: "1.11";
  readonly eventID: string;
  /** ISO 8601 in whole seconds, as CloudTrail writes it. */
  readonly eventTime: string;
  readonly eventSource: string;
  readonly eventName: string;
  readonly eventType: "AwsApiCall" | "AwsServiceEvent";
  readonly eventCategory: "Management";
  readonly managementEvent: true;
  readonly readOnly: boolean;
  readonly awsRegion: string;
  readonly recipientAccountId: string;
  readonly sourceIPAddress: string;
  readonly userAgent: string;
  readonly userIdentity: UserIdentity;
  readonly requestID: string;
  readonly requestParameters: Readonly<Record<string, unknown>> | null;
  readonly responseElements: Readonly<Record<string, unknown>> | null;
  readonly additionalEventData?: Readonly<Record<string, unknown>>;
  readonly resources?: readonly { readonly accountId: string; readonly type: string; readonly ARN: string }[];
  readonly errorCode?: string;
  readonly errorMessage?: string;
}

export interface UserIdentity {
  readonly type?: "AssumedRole" | "IAMUser" | "Root";
  readonly principalId?: string;
  readonly arn?: string;
  readonly accountId: string;
  readonly accessKeyId?: string;
  readonly userName?: string;
  readonly invokedBy?: string;
  readonly sessionContext?: {
    readonly sessionIssuer: {
      readonly type: "Role";
      readonly principalId: string;
      readonly arn: string;
      readonly accountId: string;
      readonly userName: string;
    };
  };
}

/** What differs from one event to the next; the rest follows from it. */
export type RecordFields = Pick<
  CloudTrailRecord,
  "eventSource" | "eventName" | "readOnly" | "awsRegion" | "userIdentity" | "requestParameters"
> &
  Partial<CloudTrailRecord>;

export function cloudTrailRecord(atMs: number, fields: RecordFields): CloudTrailRecord {
  return {
    eventVersion: "1.11",
    eventID: randomUUID(),
    eventTime: `${new Date(atMs).toISOString().slice(0, 19)}Z`,
    eventType: "AwsApiCall",
    eventCategory: "Management",
    managementEvent: true,
    recipientAccountId: fields.userIdentity.accountId,
    sourceIPAddress: "127.0.0.1",
    userAgent: "local",
    requestID: randomUUID(),
    responseElements: null,
    ...fields,
  };
}

export function userIdentityOf({ account, accessKeyId, arn }: Caller): UserIdentity {
  const common = { arn, accountId: account, accessKeyId };
  const role = /^arn:aws:sts::\d*:assumed-role\/(?<roleName>[^/]+)\/(?<session>.+)$/.exec(arn)?.groups;
  if (role) {
    const userName = role["roleName"] ?? "";
    const issuerId = principalIdOf("AROA", userName);
    const issuer = { accountId: account, arn: `arn:aws:iam::${account}:role/${userName}`, userName };
    return {
      type: "AssumedRole",
      principalId: `${issuerId}:${role["session"] ?? ""}`,
      ...common,
      sessionContext: { sessionIssuer: { type: "Role", principalId: issuerId, ...issuer } },
    };
  }
  const userName = /:user\/(?:.*\/)?(?<userName>[^/]+)$/.exec(arn)?.groups?.["userName"];
  if (userName) return { type: "IAMUser", principalId: principalIdOf("AIDA", arn), ...common, userName };
  return { type: "Root", principalId: account, ...common };
}

/** The same principal gets the same id in every record, as evidence is grouped by it. */
function principalIdOf(prefix: "AROA" | "AIDA", seed: string): string {
  return prefix + createHash("sha256").update(seed).digest("hex").toUpperCase().slice(0, 17);
}
