import { commands as azureKeyVault } from "./azure-key-vault/commands.ts";
import { commands as googleSecretManager } from "./google-secret-manager/commands.ts";
import { isReference, storeNameOf } from "./index.ts";
import { commands as secretsManager } from "./secrets-manager/commands.ts";
import type { StoreCommands } from "./store.ts";
import { commands as vault } from "./vault/commands.ts";

/**
 * What a person types, by the names that `stores` has. In a file of its own: only functions that tell people what to
 * do load it.
 */
export const storeCommands: Readonly<Record<string, StoreCommands>> = {
  "secrets-manager": secretsManager,
  vault,
  "google-secret-manager": googleSecretManager,
  "azure-key-vault": azureKeyVault,
};

/** A place that nobody knows is written as a word to fill in, in the commands of the store that most secrets have. */
export function commandsOf(reference: string): StoreCommands {
  const name = isReference(reference) ? storeNameOf(reference) : "secrets-manager";
  return storeCommands[name] ?? secretsManager;
}
