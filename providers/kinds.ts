import { issuers } from "./index.ts";
import type { Issuer, ProviderKind } from "./provider.ts";

/**
 * Every kind of issuer a policy may name: those whose keys Rekey can rotate. Not in the file of all issuers: most
 * functions need only the one kind that their policy names.
 */
export const providers: Readonly<Record<string, ProviderKind>> = Object.fromEntries(
  issuers.filter(isProvider).map((kind) => [kind.kind, kind]),
);

function isProvider(issuer: Issuer | ProviderKind): issuer is ProviderKind {
  return "adapter" in issuer;
}
