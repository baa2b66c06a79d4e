import { openai } from "./openai/index.ts";
import type { ProviderKind } from "./provider.ts";

/** Every kind of issuer a policy may name. */
export const providers: Readonly<Record<string, ProviderKind>> = {
  openai,
};
