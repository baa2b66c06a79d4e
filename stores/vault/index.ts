import type { StoreKind } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { isReference, referenceMistake } from "./reference.ts";

/** HashiCorp Vault and OpenBao: the KV v2 engine. */
export const vault: StoreKind = {
  capabilities,
  isReference,
  referenceMistake,
  // Vault's replication is of whole servers, and none of them is another reference.
  isCopyOf: () => false,
  connect: async ({ vault: reach }) => (await import("./connect.ts")).connect(reach),
};
