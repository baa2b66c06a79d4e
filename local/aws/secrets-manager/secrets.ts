import { AwsError } from "../service.ts";
import type { Version } from "./versions.ts";

export interface RotationSettings {
  readonly enabled: boolean;
  readonly lambdaArn: string;
  readonly rules?: RotationRules | undefined;
}

export interface RotationRules {
  readonly AutomaticallyAfterDays?: number | undefined;
  readonly ScheduleExpression?: string | undefined;
  readonly Duration?: string | undefined;
}

export interface Secret {
  readonly arn: string;
  readonly name: string;
  readonly createdAtMs: number;
  readonly replicaRegions: readonly string[];
  lastChangedAtMs: number;
  versions: readonly Version[];
  description?: string | undefined;
  kmsKeyId?: string | undefined;
  /** Absent until the first tag, then never absent again, as AWS answers it. */
  tags?: ReadonlyMap<string, string> | undefined;
  rotation?: RotationSettings | undefined;
  /** The version a native rotation is filling; a leftover AWSPENDING put by hand is not one. */
  rotatingVersionId?: string | undefined;
  lastRotatedAtMs?: number | undefined;
  lastAccessedAtMs?: number | undefined;
  deletion?: { readonly requestedAtMs: number; readonly dueAtMs: number } | undefined;
}

export interface Place {
  readonly region: string;
  readonly account: string;
}

/** The secrets of one account and Region, found the way Secrets Manager reads a SecretId. */
export interface Secrets {
  /** By full ARN, by name, or by an ARN that lacks the six random characters. */
  find(secretId: string): Secret;
  /** As `find`, without a refusal. */
  lookUp(secretId: string): Secret | undefined;
  /** As `find`, but refuses a secret that is scheduled for deletion. */
  findUsable(secretId: string): Secret;
  named(name: string): Secret | undefined;
  add(name: string, fields: { replicaRegions: readonly string[] }): Secret;
  remove(secret: Secret): void;
  /** In the order of creation. */
  all(): readonly Secret[];
}

/** Throws for what no secret can be called. */
export function refuseNameless(name: string): void {
  if (/^[A-Za-z0-9/_+=.@!-]+$/.test(name)) return;
  throw new AwsError(
    "ValidationException",
    "Invalid name. Must be a valid name containing alphanumeric characters, " +
      "or any of the following: -/_+=.@!",
  );
}

export function secretsOf(
  place: Place,
  { now, newSuffix }: { now: () => number; newSuffix: () => string },
): Secrets {
  const byName = new Map<string, Secret>();
  const arnPrefix = `arn:aws:secretsmanager:${place.region}:${place.account}:secret:`;

  const named = (name: string): Secret | undefined => {
    const secret = byName.get(name);
    if (secret?.deletion && secret.deletion.dueAtMs <= now()) {
      byName.delete(name);
      return undefined;
    }
    return secret;
  };
  const lookUp = (secretId: string): Secret | undefined =>
    secretId.startsWith("arn:") ? findByArn(secretId, { arnPrefix, named }) : named(secretId);
  const find = (secretId: string): Secret => {
    const secret = lookUp(secretId);
    if (secret) return secret;
    if (!secretId.startsWith("arn:")) refuseNameless(secretId);
    throw new AwsError("ResourceNotFoundException", "Secrets Manager can't find the specified secret.");
  };

  return {
    find,
    lookUp,
    findUsable(secretId) {
      const secret = find(secretId);
      if (!secret.deletion) return secret;
      throw new AwsError(
        "InvalidRequestException",
        "You can't perform this operation on the secret because it was marked for deletion.",
      );
    },
    named,
    add(name, { replicaRegions }) {
      const createdAtMs = now();
      const secret: Secret = {
        arn: `${arnPrefix}${name}-${newSuffix()}`,
        name,
        createdAtMs,
        replicaRegions,
        lastChangedAtMs: createdAtMs,
        versions: [],
      };
      byName.set(name, secret);
      return secret;
    },
    remove(secret) {
      byName.delete(secret.name);
    },
    all() {
      return [...byName.keys()].map(named).filter((secret) => secret !== undefined);
    },
  };
}

/** An ARN that ends like a full one is never treated as a partial one, so do not use names like that. */
function findByArn(
  arn: string,
  { arnPrefix, named }: { arnPrefix: string; named: (name: string) => Secret | undefined },
): Secret | undefined {
  if (!arn.startsWith(arnPrefix)) return undefined;
  const rest = arn.slice(arnPrefix.length);
  const full = /^(?<name>.+)-[A-Za-z0-9]{6}$/.exec(rest);
  if (!full?.groups) return named(rest);
  const secret = named(full.groups["name"] ?? "");
  return secret?.arn === arn ? secret : undefined;
}
