import { type CloudTrailRecord, cloudTrailRecord, userIdentityOf } from "../cloudtrail-record.ts";
import { AwsError, type Caller } from "../service.ts";
import type { Place, Secret } from "./secrets.ts";

const source = "secretsmanager.amazonaws.com";
const neverLogged = new Set(["SecretString", "SecretBinary", "RotationToken"]);
const readOnlyOperation = /^(Get|BatchGet|List|Describe)/;

export type RotationEvent = "RotationStarted" | "RotationSucceeded" | "RotationFailed" | "RotationAbandoned";

export interface ApiCall {
  readonly operation: string;
  readonly input: Record<string, unknown>;
  readonly caller: Caller;
  readonly output?: unknown;
  readonly error?: unknown;
}

/** Passes on what CloudTrail would record about this service. */
export interface Trail {
  call(call: ApiCall): void;
  /** The KMS side of a read: the only record that says which version was read. */
  decrypt(secret: Secret, version: { versionId: string; kmsKeyId: string }, caller: Caller): void;
  rotation(event: RotationEvent, secret: Secret, token: string): void;
}

export function trailTo(
  onCall: ((record: CloudTrailRecord) => void) | undefined,
  { place, now }: { place: Place; now: () => number },
): Trail {
  const awsRegion = place.region;
  return {
    call({ operation, input, caller, output, error }) {
      onCall?.(
        cloudTrailRecord(now(), {
          eventSource: source,
          eventName: operation,
          readOnly: readOnlyOperation.test(operation),
          awsRegion,
          userIdentity: userIdentityOf(caller),
          requestParameters: asLogged(input),
          responseElements: readOnlyOperation.test(operation) ? null : responseElements(output),
          ...failure(error),
        }),
      );
    },
    decrypt(secret, { versionId, kmsKeyId }, caller) {
      onCall?.(
        cloudTrailRecord(now(), {
          eventSource: "kms.amazonaws.com",
          eventName: "Decrypt",
          readOnly: true,
          awsRegion,
          userIdentity: { ...userIdentityOf(caller), invokedBy: source },
          sourceIPAddress: source,
          userAgent: source,
          requestParameters: {
            encryptionAlgorithm: "SYMMETRIC_DEFAULT",
            encryptionContext: { SecretARN: secret.arn, SecretVersionId: versionId },
          },
          resources: [{ accountId: place.account, type: "AWS::KMS::Key", ARN: keyArn(place, kmsKeyId) }],
        }),
      );
    },
    rotation(eventName, secret, token) {
      onCall?.(
        cloudTrailRecord(now(), {
          eventSource: source,
          eventName,
          eventType: "AwsServiceEvent",
          readOnly: false,
          awsRegion,
          userIdentity: { accountId: place.account, invokedBy: source },
          sourceIPAddress: source,
          userAgent: source,
          requestParameters: null,
          additionalEventData: { SecretId: secret.arn },
          requestID: `Rotation-${secret.arn}-${token}`,
        }),
      );
    },
  };
}

/** The parameters exactly as passed, names in lower camel case, without the three sensitive fields. */
function asLogged(input: Record<string, unknown>): Record<string, unknown> {
  const fields = Object.entries(input).filter(([name]) => !neverLogged.has(name));
  return Object.fromEntries(fields.map(([name, value]) => [lowerFirst(name), value]));
}

function responseElements(output: unknown): Record<string, unknown> | null {
  if (typeof output !== "object" || output === null) return null;
  const { ARN, Name, VersionId } = output as Record<string, unknown>;
  const fields = { arn: ARN, name: Name, versionId: VersionId };
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return present.length > 0 ? Object.fromEntries(present) : null;
}

function failure(error: unknown): { errorCode?: string; errorMessage?: string } {
  return error instanceof AwsError ? { errorCode: error.code, errorMessage: error.message } : {};
}

function keyArn({ region, account }: Place, kmsKeyId: string): string {
  if (kmsKeyId.startsWith("arn:")) return kmsKeyId;
  const key = kmsKeyId === "DefaultEncryptionKey" ? "alias/aws/secretsmanager" : kmsKeyId;
  return `arn:aws:kms:${region}:${account}:${key.startsWith("alias/") ? key : `key/${key}`}`;
}

const lowerFirst = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);
