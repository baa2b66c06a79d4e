import { InputInvalid } from "../core/errors.ts";
import type { SecretStore } from "../core/ports.ts";
import { azureKeyVault } from "./azure-key-vault/index.ts";
import { googleSecretManager } from "./google-secret-manager/index.ts";
import { routed } from "./routed.ts";
import { secretsManager } from "./secrets-manager/index.ts";
import type { StoreKind } from "./store.ts";
import { vault } from "./vault/index.ts";

/** Every kind of store a policy may name. */
export const stores: Readonly<Record<string, StoreKind>> = {
  "secrets-manager": secretsManager,
  vault,
  "google-secret-manager": googleSecretManager,
  "azure-key-vault": azureKeyVault,
};

/** Whether a text names a secret by reference, in any store; anything else is a name from `rekey.yml`. */
export function isReference(text: string): boolean {
  return Object.values(stores).some((kind) => kind.isReference(text));
}

/** The name of the kind of store that a reference belongs to: no two have references of the same form. */
export function storeNameOf(reference: string): string {
  const [name] = Object.entries(stores).find(([, kind]) => kind.isReference(reference)) ?? [];
  if (name === undefined)
    throw new InputInvalid(`${reference.slice(0, 300)} is no store's reference of a secret`);
  return name;
}

export const storeKindOf = (reference: string): StoreKind => stores[storeNameOf(reference)] ?? secretsManager;

/** Whether a reference names a copy that this secret's own store keeps somewhere else. */
export function isCopyOf(copy: string, reference: string): boolean {
  return Object.values(stores).some((kind) => kind.isReference(reference) && kind.isCopyOf(copy, reference));
}

/** One store made of all: each secret's reference says which of them has it. A store is connected when first used. */
export function everyStore(world: Parameters<StoreKind["connect"]>[0]): SecretStore {
  const connected = new Map<StoreKind, Promise<SecretStore>>();
  const at = (reference: string): Promise<SecretStore> => {
    const kind = storeKindOf(reference);
    const made = connected.get(kind) ?? kind.connect(world);
    connected.set(kind, made);
    return made;
  };
  return routed(at, (reference) => storeKindOf(reference).capabilities);
}
