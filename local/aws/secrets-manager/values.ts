import * as z from "zod";
import { AwsError, type Caller } from "../service.ts";
import { Filters, read, SecretId, Stage, tokenIn, ValueFields, VersionId, valueIn } from "./input.ts";
import { matchesFilters, pageOf } from "./listing.ts";
import { abandonRotation } from "./rotation.ts";
import type { Secret } from "./secrets.ts";
import type { Vault } from "./vault.ts";
import {
  AWSCURRENT,
  AWSPENDING,
  AWSPREVIOUS,
  attachLabels,
  defaultKmsKeyId,
  holderOf,
  isSameValue,
  makeRoom,
  moveLabel,
  type SecretValue,
  stripLabel,
  type Version,
} from "./versions.ts";

const batchMax = 20;

const GetSecretValue = z.object({
  SecretId,
  VersionId: VersionId.optional(),
  VersionStage: Stage.optional(),
});

const PutSecretValue = z.object({
  SecretId,
  ClientRequestToken: z.string().optional(),
  ...ValueFields,
  VersionStages: z.array(Stage).min(1).max(20).optional(),
});

const UpdateSecret = z.object({
  SecretId,
  ClientRequestToken: z.string().optional(),
  ...ValueFields,
  Description: z.string().max(2048).optional(),
  KmsKeyId: z.string().max(2048).optional(),
});

const UpdateSecretVersionStage = z.object({
  SecretId,
  VersionStage: Stage,
  RemoveFromVersionId: VersionId.optional(),
  MoveToVersionId: VersionId.optional(),
});

const ListSecretVersionIds = z.object({
  SecretId,
  IncludeDeprecated: z.boolean().optional(),
  MaxResults: z.int().min(1).max(100).optional(),
  NextToken: z.string().optional(),
});

const BatchGetSecretValue = z.object({
  SecretIdList: z.array(SecretId).min(1).max(batchMax).optional(),
  Filters: Filters.optional(),
  MaxResults: z.int().min(1).max(batchMax).optional(),
  NextToken: z.string().optional(),
});

export function getSecretValue(vault: Vault, input: Record<string, unknown>, caller: Caller) {
  const { SecretId: secretId, VersionId: versionId, VersionStage } = read(GetSecretValue, input);
  const secret = vault.secrets.findUsable(secretId);
  const version = versionToRead(secret, { versionId, stage: VersionStage });
  const { value } = version;
  if (!value) throw noSuchValue({ versionId, stage: VersionStage });

  const accessedAtMs = startOfDay(vault.now());
  secret.lastAccessedAtMs = accessedAtMs;
  secret.versions = replaced(secret.versions, { ...version, lastAccessedAtMs: accessedAtMs });
  vault.trail.decrypt(secret, version, caller);
  return {
    ARN: secret.arn,
    Name: secret.name,
    VersionId: version.versionId,
    ...(value.kind === "string" ? { SecretString: value.reveal() } : { SecretBinary: value.reveal() }),
    ...stagesOf(version),
    CreatedDate: version.createdAtMs / 1000,
  };
}

/** Reads AWSCURRENT of many secrets; one that cannot be read is named in Errors and stops nothing. */
export function batchGetSecretValue(vault: Vault, input: Record<string, unknown>, caller: Caller) {
  const { SecretIdList, Filters: filters, MaxResults, NextToken } = read(BatchGetSecretValue, input);
  if ((SecretIdList === undefined) === (filters === undefined)) {
    throw new AwsError(
      "InvalidParameterException",
      "You must include Filters or SecretIdList, but not both.",
    );
  }
  const matching = vault.secrets
    .all()
    .filter((secret) => !secret.deletion && matchesFilters(secret, filters));
  const { items, rest } = SecretIdList
    ? { items: SecretIdList, rest: {} }
    : pageOf(
        matching.map(({ arn }) => arn),
        { MaxResults, NextToken, max: batchMax },
      );
  const SecretValues: unknown[] = [];
  const Errors: unknown[] = [];
  for (const secretId of items) {
    const one = { SecretId: secretId };
    try {
      SecretValues.push(getSecretValue(vault, one, caller));
      vault.trail.call({ operation: "GetSecretValue", input: one, caller });
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      vault.trail.call({ operation: "GetSecretValue", input: one, caller, error });
      Errors.push({ SecretId: secretId, ErrorCode: error.code, Message: error.message });
    }
  }
  return { SecretValues, Errors, ...rest };
}

export function putSecretValue(vault: Vault, input: Record<string, unknown>) {
  const { SecretId: secretId, ClientRequestToken, VersionStages, ...fields } = read(PutSecretValue, input);
  const versionId = tokenIn(ClientRequestToken);
  const value = valueIn(fields);
  if (!value) {
    throw new AwsError("InvalidRequestException", "You must provide either SecretString or SecretBinary.");
  }
  const secret = vault.secrets.findUsable(secretId);
  const existing = secret.versions.find((version) => version.versionId === versionId);
  if (existing?.value) {
    // The repeat promises only that the version exists: labels that moved meanwhile stay where they are.
    if (!isSameValue(existing.value, value)) throw tokenInUse(secret, versionId);
    return written(secret, existing);
  }
  return written(
    secret,
    addVersion(vault, secret, { versionId, value, stages: VersionStages ?? [AWSCURRENT] }),
  );
}

export function updateSecret(vault: Vault, input: Record<string, unknown>) {
  const { SecretId: secretId, ClientRequestToken, ...fields } = read(UpdateSecret, input);
  const versionId = tokenIn(ClientRequestToken);
  const value = valueIn(fields);
  const secret = vault.secrets.findUsable(secretId);
  if (value && secret.versions.some((version) => version.versionId === versionId)) {
    throw tokenInUse(secret, versionId);
  }
  if (fields.KmsKeyId !== undefined) reencrypt(secret, fields.KmsKeyId);
  if (value) addVersion(vault, secret, { versionId, value, stages: [AWSCURRENT] });
  if (fields.Description !== undefined) secret.description = fields.Description;
  secret.lastChangedAtMs = vault.now();
  return { ARN: secret.arn, Name: secret.name, ...(value ? { VersionId: versionId } : {}) };
}

export function updateSecretVersionStage(vault: Vault, input: Record<string, unknown>) {
  const fields = read(UpdateSecretVersionStage, input);
  const secret = vault.secrets.findUsable(fields.SecretId);
  secret.versions = moveLabel(secret.versions, {
    stage: fields.VersionStage,
    removeFrom: fields.RemoveFromVersionId,
    moveTo: fields.MoveToVersionId,
  });
  secret.lastChangedAtMs = vault.now();
  return { ARN: secret.arn, Name: secret.name };
}

export function listSecretVersionIds(vault: Vault, input: Record<string, unknown>) {
  const { SecretId: secretId, IncludeDeprecated, MaxResults, NextToken } = read(ListSecretVersionIds, input);
  const secret = vault.secrets.findUsable(secretId);
  const listed = secret.versions
    .filter(({ value, stages }) => value && (IncludeDeprecated || stages.length > 0))
    .map((version) => ({
      VersionId: version.versionId,
      ...stagesOf(version),
      CreatedDate: version.createdAtMs / 1000,
      KmsKeyIds: [version.kmsKeyId],
      ...(version.lastAccessedAtMs === undefined
        ? {}
        : { LastAccessedDate: version.lastAccessedAtMs / 1000 }),
    }));
  const { items, rest } = pageOf(listed, { MaxResults, NextToken, max: 100 });
  return { ARN: secret.arn, Name: secret.name, Versions: items, ...rest };
}

/** Adds a version, or fills the id that a rotation reserved. The first is current whatever was asked. */
export function addVersion(
  vault: Vault,
  secret: Secret,
  { versionId, value, stages }: { versionId: string; value: SecretValue; stages: readonly string[] },
): Version {
  const isFirst = !secret.versions.some((version) => version.value);
  const labels = isFirst ? [...new Set([AWSCURRENT, ...stages])] : stages;
  const reserved = secret.versions.find((version) => version.versionId === versionId);
  const version: Version = {
    versionId,
    stages: reserved?.stages ?? [],
    createdAtMs: vault.now(),
    kmsKeyId: secret.kmsKeyId ?? defaultKmsKeyId,
    value,
  };
  const others = secret.versions.filter((each) => each !== reserved);
  // A put that takes AWSCURRENT from a version takes AWSPENDING from it, too; a move of the label does not.
  const left = labels.includes(AWSCURRENT) ? holderOf(others, AWSCURRENT) : undefined;
  const kept = left?.stages.includes(AWSPENDING) ? stripLabel(others, AWSPENDING) : others;
  secret.versions = attachLabels([...makeRoom(kept, vault.now()), version], versionId, { stages: labels });
  secret.lastChangedAtMs = vault.now();
  if (labels.includes(AWSCURRENT)) abandonRotation(vault, secret, { byVersionId: versionId });
  return secret.versions.find((each) => each.versionId === versionId) ?? version;
}

function versionToRead(
  secret: Secret,
  asked: { versionId: string | undefined; stage: string | undefined },
): Version {
  const { versionId, stage } = asked;
  const version =
    versionId === undefined
      ? holderOf(secret.versions, stage ?? AWSCURRENT)
      : secret.versions.find((each) => each.versionId === versionId);
  if (!version) throw noSuchValue(asked);
  if (versionId !== undefined && stage !== undefined && !version.stages.includes(stage)) {
    throw new AwsError(
      "InvalidRequestException",
      "You provided a VersionStage that is not associated to the provided VersionId.",
    );
  }
  return version;
}

/** AWS re-encrypts only what its own three labels hold: one pinned otherwise still needs the old key. */
function reencrypt(secret: Secret, kmsKeyId: string): void {
  secret.kmsKeyId = kmsKeyId;
  const own = [AWSCURRENT, AWSPENDING, AWSPREVIOUS];
  secret.versions = secret.versions.map((version) =>
    version.stages.some((stage) => own.includes(stage)) ? { ...version, kmsKeyId } : version,
  );
}

function noSuchValue({ versionId, stage }: { versionId?: string | undefined; stage?: string | undefined }) {
  const what = versionId === undefined ? `staging label: ${stage ?? AWSCURRENT}` : `VersionId: ${versionId}`;
  return new AwsError(
    "ResourceNotFoundException",
    `Secrets Manager can't find the specified secret value for ${what}`,
  );
}

export const tokenInUse = (secret: Secret, token: string): AwsError =>
  new AwsError(
    "ResourceExistsException",
    `You can't use ClientRequestToken ${token} because that value is already in use for a version of ` +
      `secret ${secret.arn}.`,
  );

const written = (secret: Secret, version: Version) => ({
  ARN: secret.arn,
  Name: secret.name,
  VersionId: version.versionId,
  ...stagesOf(version),
});

const stagesOf = ({ stages }: Version) => (stages.length > 0 ? { VersionStages: stages } : {});

const replaced = (versions: readonly Version[], version: Version): readonly Version[] =>
  versions.map((each) => (each.versionId === version.versionId ? version : each));

const startOfDay = (atMs: number): number => atMs - (atMs % 86_400_000);
