import type { StoreKind } from "../store.ts";
import { commands } from "./commands.ts";
import { capabilities } from "./labels.ts";
import { isCopyOf, isReference, referenceMistake } from "./reference.ts";

/** AWS Secrets Manager. */
export const secretsManager: StoreKind = {
  capabilities,
  commands,
  isReference,
  referenceMistake,
  isCopyOf,
  connect: async ({ pause }) => (await import("./connect.ts")).connect(pause),
};
