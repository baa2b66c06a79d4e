import type { StoreKind } from "../store.ts";
import { capabilities } from "./capabilities.ts";
import { isCopyOf, isReference, referenceMistake } from "./reference.ts";

/** AWS Secrets Manager. */
export const secretsManager: StoreKind = {
  capabilities,
  isReference,
  referenceMistake,
  isCopyOf,
  connect: async ({ pause, ownRole }) => (await import("./connect.ts")).connect(pause, ownRole),
};
