import type { StoreKind } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { isReference, referenceMistake } from "./reference.ts";

/** Google Secret Manager: secrets of a project or of one of its locations, whose consumers read the alias `current`. */
export const googleSecretManager: StoreKind = {
  capabilities,
  isReference,
  referenceMistake,
  // Replication is inside one secret, and no replica is another reference.
  isCopyOf: () => false,
  connect: async ({ googleCloud: reach }) => (await import("./connect.ts")).connect(reach),
};
