import type { StoreKind } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { isReference, referenceMistake } from "./reference.ts";

/** Azure Key Vault: secrets whose consumers read the newest version. */
export const azureKeyVault: StoreKind = {
  capabilities,
  isReference,
  referenceMistake,
  // Azure's second Region answers under the vault's own address, and none of them is another reference.
  isCopyOf: () => false,
  connect: async ({ azure: reach }) => (await import("./connect.ts")).connect(reach),
};
