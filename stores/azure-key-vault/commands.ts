import { randomInto, typedInto } from "../pipes.ts";
import type { StoreCommands } from "../store.ts";
import { parseReference } from "./reference.ts";
import { versionIn } from "./version-id.ts";

/** The vault's address is the deployment's and not in the reference: the shell asks for its name by this one. */
const vault = '--vault-name "$AZURE_VAULT"';

function namesOf(reference: string): { readonly secret: string; readonly pending: string } {
  return parseReference(reference) ?? { secret: "SECRET", pending: "SECRET-rekey-pending" };
}

const put = (reference: string): string =>
  `az keyvault secret set ${vault} --name ${namesOf(reference).secret} --file /dev/stdin --encoding utf-8 --output none`;

const list = (name: string): string => `az keyvault secret list-versions ${vault} --name ${name}`;
const show = (reference: string): string => list(namesOf(reference).secret);

export const commands: StoreCommands = {
  putHidden: (reference) => typedInto(put(reference)),
  putRandom: (reference) => randomInto(put(reference)),
  makeCurrent({ secretArn }, to) {
    const version = versionIn(to);
    const { secret } = namesOf(secretArn);
    // Azure's name for a version that Rekey wrote is in the list, beside the tag with Rekey's.
    if (version === undefined) return show(secretArn);
    return `az keyvault secret show ${vault} --name ${secret} --version ${version} --query value --output tsv | tr -d '\\n' | ${put(secretArn)}`;
  },
  // No version has a use as the previous one: consumers read the newest.
  endPrevious: ({ secretArn }) => show(secretArn),
  endPending({ secretArn, versionId }) {
    const { pending } = namesOf(secretArn);
    const version = versionIn(versionId);
    if (version === undefined) return list(pending);
    return `az keyvault secret set-attributes ${vault} --name ${pending} --version ${version} --enabled false`;
  },
  show,
};
