import { createHash, randomBytes } from "node:crypto";
import type { CloudTrailRecord } from "./cloudtrail-record.ts";
import * as lifecycle from "./secrets-manager/lifecycle.ts";
import { trailTo } from "./secrets-manager/records.ts";
import { type Invoke, rotatorOf } from "./secrets-manager/rotation.ts";
import { type Secret, secretsOf } from "./secrets-manager/secrets.ts";
import * as values from "./secrets-manager/values.ts";
import type { Replication, Vault } from "./secrets-manager/vault.ts";
import { AwsError, type Caller, type JsonService } from "./service.ts";

export interface SecretsManagerOptions {
  readonly region: string;
  readonly account: string;
  /** Calls a rotation function and rejects when it failed; without it RotateSecret is refused. */
  readonly invoke?: Invoke | undefined;
  readonly now?: (() => number) | undefined;
  /** Gets what CloudTrail would record: every call, the KMS Decrypt beside a read, and rotation events. */
  readonly onCall?: ((record: CloudTrailRecord) => void) | undefined;
  /** The six characters at the end of a new secret's ARN. */
  readonly newSuffix?: (() => string) | undefined;
  /** How replicas follow; without it they are in sync at once. */
  readonly replication?: Replication | undefined;
}

/** What a test may look at: labels and fingerprints, never a value. */
export interface SecretSnapshot {
  readonly arn: string;
  readonly name: string;
  readonly versions: readonly {
    readonly versionId: string;
    readonly stages: readonly string[];
    /** SHA-256 of the value; absent for an id that a rotation only reserved. */
    readonly sha256?: string;
  }[];
}

export interface SecretsManager extends JsonService {
  snapshot(): readonly SecretSnapshot[];
  /** By name or ARN, what decides who may use a secret; undefined where there is none. */
  known(secretId: string): Pick<Secret, "arn" | "tags" | "kmsKeyId"> | undefined;
  /** Resolves when no native rotation runs any more. */
  idle(): Promise<void>;
}

type Operation = (input: Record<string, unknown>, caller: Caller) => unknown;

/** Secrets Manager with AWS's rules for versions, labels, tokens and native rotation, in memory. */
export function secretsManager(options: SecretsManagerOptions): SecretsManager {
  const { now = Date.now, newSuffix = randomSuffix, region, account } = options;
  const secrets = secretsOf({ region, account }, { now, newSuffix });
  const trail = trailTo(options.onCall, { place: { region, account }, now });
  const vault: Vault = { secrets, trail, now, replication: options.replication ?? {} };
  const rotator = rotatorOf(vault, options.invoke);
  const operations: ReadonlyMap<string, Operation> = new Map(
    Object.entries({
      CreateSecret: (input) => lifecycle.createSecret(vault, input),
      DescribeSecret: (input) => lifecycle.describeSecret(vault, input),
      ListSecrets: (input) => lifecycle.listSecrets(vault, input),
      DeleteSecret: (input) => lifecycle.deleteSecret(vault, input),
      RestoreSecret: (input) => lifecycle.restoreSecret(vault, input),
      TagResource: (input) => lifecycle.tagResource(vault, input),
      UntagResource: (input) => lifecycle.untagResource(vault, input),
      GetSecretValue: (input, caller) => values.getSecretValue(vault, input, caller),
      BatchGetSecretValue: (input, caller) => values.batchGetSecretValue(vault, input, caller),
      PutSecretValue: (input) => values.putSecretValue(vault, input),
      UpdateSecret: (input) => values.updateSecret(vault, input),
      UpdateSecretVersionStage: (input) => values.updateSecretVersionStage(vault, input),
      ListSecretVersionIds: (input) => values.listSecretVersionIds(vault, input),
      RotateSecret: rotator.rotateSecret,
      CancelRotateSecret: rotator.cancelRotateSecret,
    } satisfies Record<string, Operation>),
  );

  return {
    target: "secretsmanager",
    async call(operation, input, caller) {
      const run = operations.get(operation);
      if (!run)
        throw new AwsError("UnknownOperationException", `The operation ${operation} is not served here.`);
      try {
        const output = run(input, caller);
        trail.call({ operation, input, caller, output });
        return output;
      } catch (error) {
        trail.call({ operation, input, caller, error });
        throw error;
      }
    },
    snapshot: () => secrets.all().map(snapshotOf),
    known: (secretId) => secrets.lookUp(secretId),
    idle: rotator.idle,
  };
}

const snapshotOf = ({ arn, name, versions }: Secret): SecretSnapshot => ({
  arn,
  name,
  versions: versions.map(({ versionId, stages, value }) => ({
    versionId,
    stages,
    ...(value ? { sha256: createHash("sha256").update(value.reveal()).digest("hex") } : {}),
  })),
});

/** Letters and digits only: base64url's other two would not be taken for an ARN's suffix. */
const randomSuffix = (): string =>
  randomBytes(16)
    .toString("base64")
    .replace(/[^A-Za-z0-9]/g, "")
    .slice(0, 6);
