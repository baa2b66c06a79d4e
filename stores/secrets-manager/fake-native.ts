import type { SecretArn, VersionId } from "../../core/ports.ts";
import { pendingLabel } from "./label-names.ts";
import type { LabelledVersions } from "./labels.ts";

/** What Secrets Manager does when somebody presses its button. */
export interface NativeRotations {
  /** Reserves a version for the rotation's token, which has no value yet; false if another version is pending. */
  press(pressed: {
    readonly secretArn: SecretArn;
    readonly token: VersionId;
    readonly functionArn: string;
  }): Promise<boolean>;
  /** Frees the token's version, as the error of a failed rotation tells people to. */
  free(secretArn: SecretArn, token: VersionId): Promise<void>;
}

/** Labels with Secrets Manager's own rotation over them: the token's version is pending before anybody filled it. */
export function nativeOver(labels: LabelledVersions): {
  readonly labelled: LabelledVersions;
  readonly native: NativeRotations;
} {
  const functions = new Map<SecretArn, string>();
  const reserved = new Map<SecretArn, VersionId>();
  const labelled: LabelledVersions = {
    ...labels,
    async rotation(secretArn) {
      const functionArn = functions.get(secretArn);
      return functionArn === undefined
        ? labels.rotation(secretArn)
        : { isEnabled: true, functionArn, isScheduled: false };
    },

    async labels(secretArn) {
      const token = reserved.get(secretArn);
      const held = await labels.labels(secretArn);
      return token === undefined ? held : { ...held, [token]: [pendingLabel] };
    },

    async put(version) {
      const token = reserved.get(version.secretArn);
      const isFilled = token === version.versionId;
      await labels.put(isFilled ? { ...version, labels: [...version.labels, pendingLabel] } : version);
      if (isFilled || version.labels.includes(pendingLabel)) reserved.delete(version.secretArn);
    },

    async moveLabel(move) {
      const token = reserved.get(move.secretArn);
      if (token === undefined || move.label !== pendingLabel) return labels.moveLabel(move);
      const { from, ...unheld } = move;
      if (move.to === token) return "moved";
      if (from !== token) return "heldElsewhere";
      reserved.delete(move.secretArn);
      return move.to === undefined ? "moved" : labels.moveLabel(unheld);
    },
  };

  const native: NativeRotations = {
    async press({ secretArn, token, functionArn }) {
      const held = Object.values(await labelled.labels(secretArn)).flat();
      if (held.includes(pendingLabel)) return false;
      functions.set(secretArn, functionArn);
      reserved.set(secretArn, token);
      return true;
    },
    async free(secretArn, token) {
      await labelled.moveLabel({ secretArn, label: pendingLabel, from: token });
    },
  };
  return { labelled, native };
}
