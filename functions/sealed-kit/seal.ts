import { armor, Decrypter, Encrypter, generateX25519Identity, identityToRecipient } from "age-encryption";
import { InputInvalid } from "../../core/errors.ts";

/** Two groups of people: one of each group has to be there to open what is sealed. */
export type Groups = readonly [readonly string[], readonly string[]];

/**
 * An age file names its recipients as alternatives: any one of them opens it. So the text is encrypted to the second
 * group, and the result to the first. `age -d -i first.txt kit.age | age -d -i second.txt` opens it without Rekey.
 */
export async function sealTo([first, second]: Groups, bytes: Uint8Array): Promise<string> {
  return armor.encode(await encrypt(first, await encrypt(second, bytes)));
}

async function encrypt(recipients: readonly string[], bytes: Uint8Array): Promise<Uint8Array> {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  return encrypter.encrypt(bytes);
}

/** Throws InputInvalid that says which of the two groups is missing. */
export async function openSealed(sealed: string, identities: readonly string[]): Promise<Uint8Array> {
  const inner = await decrypt(unarmoured(sealed), { identities, group: "first" });
  return decrypt(inner, { identities, group: "second" });
}

function unarmoured(text: string): Uint8Array {
  try {
    return armor.decode(text);
  } catch {
    throw new InputInvalid("the file is no armoured age file: it was cut or changed, or is no kit");
  }
}

async function decrypt(
  sealed: Uint8Array,
  { identities, group }: { readonly identities: readonly string[]; readonly group: "first" | "second" },
): Promise<Uint8Array> {
  const decrypter = new Decrypter();
  for (const identity of identities) decrypter.addIdentity(identity);
  try {
    return await decrypter.decrypt(sealed);
  } catch (error) {
    const isForeign = error instanceof Error && /no identity matched/.test(error.message);
    throw new InputInvalid(
      isForeign
        ? `none of the identities is one of the ${group} group's: it takes a person of each group`
        : `the ${group} layer of the kit cannot be read: it was cut or changed, or is no kit`,
    );
  }
}

/** The public names of these identities, as the deployment lists them. */
export async function recipientsOf(identities: readonly string[]): Promise<readonly string[]> {
  return Promise.all(identities.map((identity) => identityToRecipient(identity)));
}

export { generateX25519Identity as newIdentity };
