import { randomInto, typedInto } from "../pipes.ts";
import type { StoreCommands } from "../store.ts";
import { currentLabel, pendingLabel, previousLabel } from "./label-names.ts";

const put = (reference: string): string =>
  `aws secretsmanager put-secret-value --secret-id ${reference} --secret-string file:///dev/stdin`;

const moveLabel = (reference: string, label: string): string =>
  `aws secretsmanager update-secret-version-stage --secret-id ${reference} --version-stage ${label}`;

export const commands: StoreCommands = {
  putHidden: (reference) => typedInto(put(reference)),
  putRandom: (reference) => randomInto(put(reference)),
  makeCurrent: ({ secretArn, versionId }, to) =>
    `${moveLabel(secretArn, currentLabel)} --move-to-version-id ${to} --remove-from-version-id ${versionId}`,
  endPrevious: ({ secretArn, versionId }) =>
    `${moveLabel(secretArn, previousLabel)} --remove-from-version-id ${versionId}`,
  endPending: ({ secretArn, versionId }) =>
    `${moveLabel(secretArn, pendingLabel)} --remove-from-version-id ${versionId}`,
  show: (reference) => `aws secretsmanager describe-secret --secret-id ${reference}`,
};
