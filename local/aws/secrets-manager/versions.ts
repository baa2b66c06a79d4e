import { AwsError } from "../service.ts";

/** Plaintext behind a function, so that printing or serializing a version shows nothing. */
export interface SecretValue {
  readonly kind: "string" | "binary";
  /** The text, or for a binary value its base64. */
  readonly reveal: () => string;
}

export interface Version {
  readonly versionId: string;
  readonly stages: readonly string[];
  readonly createdAtMs: number;
  readonly kmsKeyId: string;
  /** Absent while a native rotation has only reserved the id. */
  readonly value?: SecretValue;
  readonly lastAccessedAtMs?: number;
}

export interface LabelMove {
  readonly stage: string;
  readonly removeFrom?: string | undefined;
  readonly moveTo?: string | undefined;
}

export const AWSCURRENT = "AWSCURRENT";
export const AWSPENDING = "AWSPENDING";
export const AWSPREVIOUS = "AWSPREVIOUS";
export const defaultKmsKeyId = "DefaultEncryptionKey";

const labelsMax = 20;
const versionsMax = 100;
const purgeAgeMs = 24 * 60 * 60 * 1000;

export const holderOf = (versions: readonly Version[], stage: string): Version | undefined =>
  versions.find((version) => version.stages.includes(stage));

export const isSameValue = (one: SecretValue, other: SecretValue): boolean =>
  one.kind === other.kind && one.reveal() === other.reveal();

/** Puts each label on the target, off whatever had it; AWSPREVIOUS goes where AWSCURRENT came from. */
export function attachLabels(
  versions: readonly Version[],
  versionId: string,
  { stages }: { stages: readonly string[] },
): readonly Version[] {
  const left = holderOf(versions, AWSCURRENT);
  let moved = stages.reduce((all, stage) => placeLabel(all, stage, versionId), versions);
  if (stages.includes(AWSCURRENT) && left && left.versionId !== versionId) {
    moved = placeLabel(moved, AWSPREVIOUS, left.versionId);
  }
  refuseTooManyLabels(moved);
  return withoutEmptyShells(moved);
}

export function stripLabel(versions: readonly Version[], stage: string): readonly Version[] {
  return withoutEmptyShells(versions.map((version) => withoutStage(version, stage)));
}

/** UpdateSecretVersionStage: the only compare-and-swap that Secrets Manager offers. */
export function moveLabel(versions: readonly Version[], move: LabelMove): readonly Version[] {
  const { stage, removeFrom, moveTo } = move;
  refuseWrongHolder(versions, move);
  if (moveTo !== undefined) return attachLabels(versions, moveTo, { stages: [stage] });

  if (removeFrom === undefined) {
    throw new AwsError(
      "InvalidParameterException",
      "You must specify RemoveFromVersionId, MoveToVersionId, or both.",
    );
  }
  if (stage === AWSCURRENT) {
    throw new AwsError(
      "InvalidParameterException",
      "You can only move staging label AWSCURRENT to a different secret version. " +
        "It can’t be completely removed.",
    );
  }
  return stripLabel(versions, stage);
}

/** Makes room for one more version: only unlabelled versions older than a day may go, the oldest first. */
export function makeRoom(versions: readonly Version[], nowMs: number): readonly Version[] {
  const excess = versions.length + 1 - versionsMax;
  if (excess <= 0) return versions;

  const purged = versions
    .filter(({ stages, createdAtMs }) => stages.length === 0 && nowMs - createdAtMs > purgeAgeMs)
    .sort((one, other) => one.createdAtMs - other.createdAtMs)
    .slice(0, excess);
  if (purged.length < excess) {
    throw new AwsError(
      "LimitExceededException",
      `The secret has ${versions.length} versions, and too few are unlabelled and older than 24 hours.`,
    );
  }
  return versions.filter((version) => !purged.includes(version));
}

function refuseWrongHolder(versions: readonly Version[], { stage, removeFrom, moveTo }: LabelMove): void {
  for (const versionId of [removeFrom, moveTo]) {
    if (versionId !== undefined && !versions.some((version) => version.versionId === versionId)) {
      throw new AwsError("InvalidParameterException", `Not a valid version: ${versionId}`);
    }
  }
  const target = versions.find((version) => version.versionId === moveTo);
  if (target && !target.value) {
    throw new AwsError("InvalidParameterException", `The version ${target.versionId} has no value yet.`);
  }
  const holder = holderOf(versions, stage);
  if (removeFrom !== undefined && holder?.versionId !== removeFrom) {
    throw new AwsError(
      "InvalidParameterException",
      `The staging label ${stage} isn't attached to version ${removeFrom}, given in RemoveFromVersionId.`,
    );
  }
  if (removeFrom === undefined && moveTo !== undefined && holder && holder.versionId !== moveTo) {
    throw new AwsError(
      "InvalidParameterException",
      `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to ` +
        `version ${holder.versionId}, so you must explicitly reference that version in RemoveFromVersionId.`,
    );
  }
}

function refuseTooManyLabels(versions: readonly Version[]): void {
  const labels = versions.reduce((sum, { stages }) => sum + stages.length, 0);
  if (labels > labelsMax) {
    throw new AwsError(
      "LimitExceededException",
      `The secret would have ${labels} staging labels across its versions; at most ${labelsMax} are allowed.`,
    );
  }
}

function placeLabel(versions: readonly Version[], stage: string, versionId: string): readonly Version[] {
  return versions.map((version) => {
    const bare = withoutStage(version, stage);
    return version.versionId === versionId ? { ...bare, stages: [...bare.stages, stage].sort() } : bare;
  });
}

function withoutStage(version: Version, stage: string): Version {
  if (!version.stages.includes(stage)) return version;
  return { ...version, stages: version.stages.filter((each) => each !== stage) };
}

/** An id that a rotation reserved and never filled is nothing once its label is gone. */
function withoutEmptyShells(versions: readonly Version[]): readonly Version[] {
  return versions.filter(({ value, stages }) => value !== undefined || stages.length > 0);
}
