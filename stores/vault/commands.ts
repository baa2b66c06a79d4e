import { randomInto, typedInto } from "../pipes.ts";
import type { StoreCommands } from "../store.ts";
import { parseReference } from "./reference.ts";
import { numberIn } from "./version-id.ts";

/** The mount is the deployment's and not in the reference: the shell asks for it by this name. */
const mount = '-mount="$VAULT_MOUNT"';

function placeOf(reference: string): { readonly path: string; readonly field: string } {
  return parseReference(reference) ?? { path: "PATH", field: "FIELD" };
}

function patch(reference: string): string {
  const { path, field } = placeOf(reference);
  return `vault kv patch ${mount} ${path} ${field}=-`;
}

const show = (reference: string): string => `vault kv metadata get ${mount} ${placeOf(reference).path}`;

export const commands: StoreCommands = {
  putHidden: (reference) => typedInto(patch(reference)),
  putRandom: (reference) => randomInto(patch(reference)),
  makeCurrent({ secretArn }, to) {
    const number = numberIn(to);
    const { path } = placeOf(secretArn);
    // A version that Rekey wrote has its number only in Rekey's own document beside the secret.
    return number === undefined ? show(secretArn) : `vault kv rollback ${mount} -version=${number} ${path}`;
  },
  endPrevious: ({ secretArn }) => show(secretArn),
  endPending: ({ secretArn }) => show(secretArn),
  show,
};
