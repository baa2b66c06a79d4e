import * as z from "zod";
import { AwsError } from "../service.ts";
import { Filters, read, SecretId, Tags, tokenIn, ValueFields, valueIn } from "./input.ts";
import { matchesFilters, pageOf } from "./listing.ts";
import { nextRotationAtMs } from "./rotation.ts";
import { refuseNameless, type Secret } from "./secrets.ts";
import { addVersion, tokenInUse } from "./values.ts";
import type { Vault } from "./vault.ts";
import { isSameValue, type SecretValue } from "./versions.ts";

const dayMs = 24 * 60 * 60 * 1000;
const defaultWindowDays = 30;
const tagsMax = 50;

const CreateSecret = z.object({
  Name: z.string().min(1).max(512),
  ClientRequestToken: z.string().optional(),
  ...ValueFields,
  Description: z.string().max(2048).optional(),
  KmsKeyId: z.string().max(2048).optional(),
  Tags: Tags.optional(),
  AddReplicaRegions: z.array(z.object({ Region: z.string().min(1) })).optional(),
});

const DeleteSecret = z.object({
  SecretId,
  RecoveryWindowInDays: z.int().optional(),
  ForceDeleteWithoutRecovery: z.boolean().optional(),
});

const ListSecrets = z.object({
  IncludePlannedDeletion: z.boolean().optional(),
  Filters: Filters.optional(),
  SortOrder: z.enum(["asc", "desc"]).optional(),
  MaxResults: z.int().min(1).max(100).optional(),
  NextToken: z.string().optional(),
});

export function createSecret(vault: Vault, input: Record<string, unknown>) {
  const { Name, ClientRequestToken, ...fields } = read(CreateSecret, input);
  const versionId = tokenIn(ClientRequestToken);
  const value = valueIn(fields);
  refuseNameless(Name);
  const existing = vault.secrets.named(Name);
  if (existing) return repeatedCreate(existing, versionId, value);

  const replicaRegions = (fields.AddReplicaRegions ?? []).map(({ Region }) => Region);
  const secret = vault.secrets.add(Name, { replicaRegions });
  secret.description = fields.Description;
  secret.kmsKeyId = fields.KmsKeyId;
  if (fields.Tags?.length) secret.tags = new Map(fields.Tags.map((tag) => [tag.Key, tag.Value]));
  if (value) addVersion(vault, secret, { versionId, value, stages: [] });
  return created(secret, value && versionId);
}

export function describeSecret(vault: Vault, input: Record<string, unknown>) {
  const secret = vault.secrets.find(read(z.object({ SecretId }), input).SecretId);
  const labelled = secret.versions.filter(({ stages }) => stages.length > 0);
  return {
    ...listed(secret),
    VersionIdsToStages: labelled.length > 0 ? stagesById(secret) : undefined,
    ReplicationStatus: replicationOf(vault, secret),
  };
}

function replicationOf({ now, replication }: Vault, { replicaRegions, lastChangedAtMs }: Secret) {
  if (replicaRegions.length === 0) return undefined;
  const isThere = now() >= lastChangedAtMs + (replication.takesMs ?? 0);
  return replicaRegions.map((Region) => {
    const failure = replication.failures?.[Region];
    if (failure !== undefined) return { Region, Status: "Failed", StatusMessage: failure };
    return { Region, Status: isThere ? "InSync" : "InProgress" };
  });
}

export function listSecrets(vault: Vault, input: Record<string, unknown>) {
  const fields = read(ListSecrets, input);
  const matching = vault.secrets
    .all()
    .filter((secret) => fields.IncludePlannedDeletion || !secret.deletion)
    .filter((secret) => matchesFilters(secret, fields.Filters))
    .map((secret) => ({ ...listed(secret), SecretVersionsToStages: stagesById(secret) }));
  const ordered = fields.SortOrder === "asc" ? matching : matching.reverse();
  const { items, rest } = pageOf(ordered, {
    MaxResults: fields.MaxResults,
    NextToken: fields.NextToken,
    max: 100,
  });
  return { SecretList: items, ...rest };
}

export function deleteSecret(vault: Vault, input: Record<string, unknown>) {
  const { SecretId: secretId, RecoveryWindowInDays, ForceDeleteWithoutRecovery } = read(DeleteSecret, input);
  if (ForceDeleteWithoutRecovery && RecoveryWindowInDays !== undefined) {
    throw new AwsError(
      "InvalidParameterException",
      "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.",
    );
  }
  const days = RecoveryWindowInDays ?? defaultWindowDays;
  if (days < 7 || days > 30) {
    throw new AwsError(
      "InvalidParameterException",
      "The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).",
    );
  }
  const requestedAtMs = vault.now();
  if (ForceDeleteWithoutRecovery && vault.secrets.lookUp(secretId) === undefined)
    return { ARN: secretId, Name: secretId, DeletionDate: requestedAtMs / 1000 };
  const secret = ForceDeleteWithoutRecovery
    ? vault.secrets.find(secretId)
    : vault.secrets.findUsable(secretId);
  const dueAtMs = ForceDeleteWithoutRecovery ? requestedAtMs : requestedAtMs + days * dayMs;
  secret.deletion = { requestedAtMs, dueAtMs };
  if (ForceDeleteWithoutRecovery) vault.secrets.remove(secret);
  return { ARN: secret.arn, Name: secret.name, DeletionDate: dueAtMs / 1000 };
}

export function restoreSecret(vault: Vault, input: Record<string, unknown>) {
  const secret = vault.secrets.find(read(z.object({ SecretId }), input).SecretId);
  secret.deletion = undefined;
  return { ARN: secret.arn, Name: secret.name };
}

export function tagResource(vault: Vault, input: Record<string, unknown>): undefined {
  const { SecretId: secretId, Tags: tags } = read(z.object({ SecretId, Tags }), input);
  const secret = vault.secrets.findUsable(secretId);
  const next = new Map([...(secret.tags ?? []), ...tags.map(({ Key, Value }) => [Key, Value] as const)]);
  if (next.size > tagsMax) {
    throw new AwsError(
      "InvalidParameterException",
      `You can't attach more than ${tagsMax} tags to a secret.`,
    );
  }
  secret.tags = next;
  secret.lastChangedAtMs = vault.now();
}

export function untagResource(vault: Vault, input: Record<string, unknown>): undefined {
  const { SecretId: secretId, TagKeys } = read(z.object({ SecretId, TagKeys: z.array(z.string()) }), input);
  const secret = vault.secrets.findUsable(secretId);
  if (!secret.tags) return;
  secret.tags = new Map([...secret.tags].filter(([key]) => !TagKeys.includes(key)));
  secret.lastChangedAtMs = vault.now();
}

/** Only an identical create may be repeated: same token, same value. */
function repeatedCreate(secret: Secret, versionId: string, value: SecretValue | undefined) {
  if (secret.deletion) {
    throw new AwsError(
      "InvalidRequestException",
      "You can't create this secret because a secret with this name is already scheduled for deletion.",
    );
  }
  const version = secret.versions.find((each) => each.versionId === versionId);
  if (!version?.value || !value) {
    const message = `The operation failed because the secret ${secret.name} already exists.`;
    throw new AwsError("ResourceExistsException", message);
  }
  if (!isSameValue(version.value, value)) throw tokenInUse(secret, versionId);
  return created(secret, versionId);
}

const created = (secret: Secret, versionId: string | undefined) => ({
  ARN: secret.arn,
  Name: secret.name,
  VersionId: versionId,
});

/** The fields that DescribeSecret and ListSecrets share; `undefined` ones do not reach the wire. */
function listed(secret: Secret) {
  const { rotation } = secret;
  return {
    ARN: secret.arn,
    Name: secret.name,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    RotationEnabled: rotation?.enabled,
    RotationLambdaARN: rotation?.lambdaArn,
    RotationRules: rotation?.rules,
    LastRotatedDate: seconds(secret.lastRotatedAtMs),
    LastChangedDate: seconds(secret.lastChangedAtMs),
    LastAccessedDate: seconds(secret.lastAccessedAtMs),
    NextRotationDate: seconds(nextRotationAtMs(secret)),
    CreatedDate: seconds(secret.createdAtMs),
    DeletedDate: seconds(secret.deletion?.requestedAtMs),
    PrimaryRegion: secret.replicaRegions.length > 0 ? secret.arn.split(":")[3] : undefined,
    Tags: secret.tags && [...secret.tags].map(([Key, Value]) => ({ Key, Value })),
  };
}

const stagesById = ({ versions }: Secret): Record<string, readonly string[]> =>
  Object.fromEntries(
    versions.filter(({ stages }) => stages.length > 0).map(({ versionId, stages }) => [versionId, stages]),
  );

const seconds = (ms: number | undefined): number | undefined => (ms === undefined ? undefined : ms / 1000);
