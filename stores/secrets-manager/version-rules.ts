import { InputInvalid } from "../../core/errors.ts";
import { currentLabel } from "./label-names.ts";
import type { LabelledVersion, LabelMove } from "./labels.ts";

/** The bounds of a ClientRequestToken, which becomes the version's id. */
const versionIdMin = 32;
const versionIdMax = 64;

/** An empty list of labels must never be sent: without labels Secrets Manager moves AWSCURRENT at once. */
export function assertPuttable(version: LabelledVersion): void {
  const { secretArn, versionId, labels } = version;
  if (labels.length === 0) throw new InputInvalid(`a version of ${secretArn} needs a label`);
  if (versionId.length < versionIdMin || versionId.length > versionIdMax) {
    throw new InputInvalid(`a version id has ${versionIdMin} to ${versionIdMax} characters: ${versionId}`);
  }
}

/** A secret without AWSCURRENT has no value for its consumers. */
export function assertStrippable(move: LabelMove): void {
  if (move.label === currentLabel && move.to === undefined) {
    throw new InputInvalid(`AWSCURRENT of ${move.secretArn} can be moved, not stripped`);
  }
}
