import {
  DescribeSecretCommand,
  type DescribeSecretCommandOutput,
  GetSecretValueCommand,
  type GetSecretValueCommandOutput,
  PutSecretValueCommand,
  type SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from "@aws-sdk/client-secrets-manager";
import { SecretUnusable, StoreUnavailable, VersionMoved } from "../../core/errors.ts";
import type { NativeRotation, ReplicaBehind, SecretArn, VersionId } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { currentLabel } from "./label-names.ts";
import { type LabelledVersions, type LabelMove, type Labels, versionWith } from "./labels.ts";
import { inRegion, regionOf } from "./reference.ts";
import { isNamed, refusalOf } from "./refusals.ts";
import { assertPuttable, assertStrippable } from "./version-rules.ts";

/**
 * A version can be missing from reads just after it was written (aws-sdk-js-v3#7701); AWS states no bound.
 * 50, 100, ... 800 ms: about 1.5 s in all, well within a step.
 */
const readAttemptsMax = 6;
const firstPauseMs = 50;
/** More than AWS has Regions. */
const replicasMax = 50;
const placeCharsMax = 64;
const detailCharsMax = 200;

export interface CallOptions {
  readonly pause: (ms: number) => Promise<void>;
}

export type Client = Pick<SecretsManagerClient, "send">;
type StageChange = Omit<LabelMove, "from"> & { readonly from?: VersionId | undefined };

/** Secrets Manager's versions and labels. Normally one call per method. */
export function labelledVersions(client: Client, { pause }: CallOptions): LabelledVersions {
  return {
    rotation: (secretArn) => rotationOf(client, secretArn),
    replicasBehind: (secretArn) => replicasBehindOf(client, secretArn),
    labels: (secretArn) => labelsOf(client, secretArn),

    async read(secretArn, versionId) {
      // Only a version that was named is known to have been written: a missing AWSCURRENT is just missing.
      const attemptsMax = versionId === undefined ? 1 : readAttemptsMax;
      const answer = await readPatiently(client, { secretArn, versionId, attemptsMax, pause });
      if (answer.SecretString === undefined || answer.VersionId === undefined) {
        throw new SecretUnusable(`${secretArn} holds no text: binary values are not supported`);
      }
      return { versionId: answer.VersionId, text: new Secret(answer.SecretString) };
    },

    async put(version) {
      assertPuttable(version);
      const { secretArn, versionId, text, labels } = version;
      const command = new PutSecretValueCommand({
        SecretId: secretArn,
        ClientRequestToken: versionId,
        SecretString: text.reveal(),
        VersionStages: [...labels],
      });
      try {
        await client.send(command);
      } catch (error) {
        if (isNamed(error, "ResourceExistsException")) {
          throw new VersionMoved(`${secretArn} already has another value as ${versionId}`);
        }
        throw refusalOf(error, { secretArn, operation: "PutSecretValue" });
      }
    },

    async moveLabel(move) {
      assertStrippable(move);
      if (move.from === undefined && move.to === undefined) {
        const holder = versionWith(await labelsOf(client, move.secretArn), move.label);
        return holder === undefined ? "moved" : "heldElsewhere";
      }
      try {
        await updateStage(client, move);
        return "moved";
      } catch (error) {
        return afterRefusedMove(client, { move, error });
      }
    },
  };
}

async function labelsOf(client: Client, secretArn: SecretArn): Promise<Labels> {
  return (await described(client, secretArn)).VersionIdsToStages ?? {};
}

async function rotationOf(client: Client, secretArn: SecretArn): Promise<NativeRotation> {
  const { RotationEnabled, RotationLambdaARN, RotationRules = {} } = await described(client, secretArn);
  const { AutomaticallyAfterDays, ScheduleExpression } = RotationRules;
  return {
    isEnabled: RotationEnabled === true,
    ...(RotationLambdaARN !== undefined && { functionArn: RotationLambdaARN }),
    isScheduled: AutomaticallyAfterDays !== undefined || ScheduleExpression !== undefined,
  };
}

/** A status that is not known counts as one that is not there yet. */
async function replicasBehindOf(client: Client, secretArn: SecretArn): Promise<readonly ReplicaBehind[]> {
  const { ReplicationStatus = [] } = await described(client, secretArn);
  const behind = ReplicationStatus.filter(({ Status }) => Status !== "InSync");
  return behind.slice(0, replicasMax).map(({ Region = "a Region", Status, StatusMessage }) => ({
    place: Region.slice(0, placeCharsMax),
    state: Status === "Failed" ? "failed" : "inProgress",
    ...(StatusMessage !== undefined && { detail: StatusMessage.slice(0, detailCharsMax) }),
  }));
}

async function described(client: Client, secretArn: SecretArn): Promise<DescribeSecretCommandOutput> {
  try {
    const answer = await client.send(new DescribeSecretCommand({ SecretId: secretArn }));
    const { PrimaryRegion: primary } = answer;
    if (primary !== undefined && primary !== regionOf(secretArn)) {
      throw new SecretUnusable(
        `${secretArn} is a replica, which only its primary changes: use ${inRegion(secretArn, primary)} in a deployment there`,
      );
    }
    if (answer.DeletedDate) throw new SecretUnusable(`${secretArn} is scheduled for deletion`);
    return answer;
  } catch (error) {
    if (error instanceof SecretUnusable) throw error;
    throw refusalOf(error, { secretArn, operation: "DescribeSecret" });
  }
}

async function readPatiently(
  client: Client,
  reading: {
    readonly secretArn: SecretArn;
    readonly versionId: VersionId | undefined;
    readonly attemptsMax: number;
    readonly pause: (ms: number) => Promise<void>;
  },
): Promise<GetSecretValueCommandOutput> {
  const { secretArn, versionId, attemptsMax, pause } = reading;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await client.send(new GetSecretValueCommand({ SecretId: secretArn, VersionId: versionId }));
    } catch (error) {
      if (!isNamed(error, "ResourceNotFoundException")) {
        throw refusalOf(error, { secretArn, operation: "GetSecretValue" });
      }
      if (attempt >= attemptsMax) {
        throw new SecretUnusable(
          `${secretArn} does not exist or has no value for ${versionId ?? currentLabel}`,
        );
      }
      await pause(firstPauseMs * 2 ** (attempt - 1));
    }
  }
}

async function updateStage(client: Client, { secretArn, label, from, to }: StageChange): Promise<void> {
  await client.send(
    new UpdateSecretVersionStageCommand({
      SecretId: secretArn,
      VersionStage: label,
      MoveToVersionId: to,
      RemoveFromVersionId: from,
    }),
  );
}

/** The refusal says that the move does not fit, but not why. */
async function afterRefusedMove(
  client: Client,
  { move, error }: { readonly move: LabelMove; readonly error: unknown },
): Promise<"moved" | "heldElsewhere"> {
  const { secretArn, label, from, to } = move;
  if (!mayBeOutdated(error)) throw refusalOf(error, { secretArn, operation: "UpdateSecretVersionStage" });

  const labels = await labelsOf(client, secretArn);
  const holder = versionWith(labels, label);
  if (holder === to) return "moved";
  if (holder !== undefined && holder !== from) return "heldElsewhere";
  if (holder === undefined && from !== undefined && (await attachUnheld(client, move))) return "moved";
  if (to !== undefined && !Object.hasOwn(labels, to)) {
    throw new SecretUnusable(`${secretArn} has no version ${to}, or one without labels`);
  }
  throw new StoreUnavailable(`${secretArn}: the labels have not settled: ${label} could not move to ${to}`);
}

/** No version has the label any more, so there is nothing to remove it from. */
async function attachUnheld(client: Client, move: LabelMove): Promise<boolean> {
  try {
    await updateStage(client, { ...move, from: undefined });
    return true;
  } catch (error) {
    if (mayBeOutdated(error)) return false;
    throw refusalOf(error, { secretArn: move.secretArn, operation: "UpdateSecretVersionStage" });
  }
}

/** AWS does not document which of the two errors it gives for a version that does not exist. */
function mayBeOutdated(error: unknown): boolean {
  return isNamed(error, "InvalidParameterException") || isNamed(error, "ResourceNotFoundException");
}
