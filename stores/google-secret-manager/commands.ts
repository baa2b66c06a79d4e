import { randomInto, typedInto } from "../pipes.ts";
import type { StoreCommands } from "../store.ts";
import { parseReference } from "./reference.ts";

/** The project is the deployment's and not in the reference: the shell asks for it by this name. */
const project = '--project="$GOOGLE_PROJECT"';

const nameOf = (reference: string): string => parseReference(reference)?.secret ?? "SECRET";
const numberIn = (versionId: string): string | undefined => /^gsm-(\d{1,9})$/.exec(versionId)?.[1];

/** Consumers read the alias, so a new version is given to nobody before the alias moves. */
function add(reference: string): string {
  const name = nameOf(reference);
  return `gcloud secrets update ${name} ${project} --update-version-aliases=current=$(gcloud secrets versions add ${name} ${project} --data-file=- --format="value(name.basename())")`;
}

const show = (reference: string): string => `gcloud secrets describe ${nameOf(reference)} ${project}`;

export const commands: StoreCommands = {
  putHidden: (reference) => typedInto(add(reference)),
  putRandom: (reference) => randomInto(add(reference)),
  makeCurrent({ secretArn }, to) {
    const number = numberIn(to);
    // The number of a version that Rekey wrote stands in the secret's annotations.
    return number === undefined
      ? show(secretArn)
      : `gcloud secrets update ${nameOf(secretArn)} ${project} --update-version-aliases=current=${number}`;
  },
  endPrevious: ({ secretArn }) =>
    `gcloud secrets update ${nameOf(secretArn)} ${project} --remove-version-aliases=previous`,
  endPending: ({ secretArn }) =>
    `gcloud secrets update ${nameOf(secretArn)} ${project} --remove-version-aliases=pending`,
  show,
};
