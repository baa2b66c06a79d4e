import * as z from "zod";
import { type Issuer, type ProviderDocs, type ProviderKind, parseSettings } from "../provider.ts";
import { baseUrlSetting, hostsOf, propagationSetting, usualPropagation } from "../settings.ts";
import type { DeclaredVerify } from "./declaration.ts";

/** An issuer that has no API for keys, as data: where a person makes and deletes them, and how one is verified. */
export interface AssistedIssuer extends Issuer {
  /** Where `keyTexts` does not say how a key looks. */
  readonly neverIssued?: string;
  readonly byHand: Issuer["byHand"] & { readonly console: string };
  /** Where `verify` goes. */
  readonly baseUrl: string;
  readonly verify: DeclaredVerify;
  readonly docs: ProviderDocs;
}

export function assistedProvider(issuer: AssistedIssuer): ProviderKind {
  const { baseUrl: usual, verify, ...statement } = issuer;
  const settings = z.strictObject({
    adminCredential: z.never({ error: "no API of this provider takes one" }).exactOptional(),
    ...{ baseUrl: baseUrlSetting(usual), propagation: propagationSetting },
  });
  return {
    ...statement,
    ...{ isData: true, docs: { ...statement.docs, example: {} } },
    ...{ settings, verifyTable: verify.table, defaultHosts: hostsOf(usual) },
    facts: (block) => ({
      capabilities: {
        ...{ shape: { kind: "assisted" }, quarantine: "no", quarantineContains: false, revoke: false },
        ...{ lastUsed: false, usagePerKey: false, expiry: false },
      },
      propagation: { ...usualPropagation, ...parseSettings(settings, block).propagation },
    }),
    hosts: (block) => hostsOf(parseSettings(settings, block).baseUrl),
    async adapter() {
      const { connectAssisted } = await import("./adapter.ts");
      const { kind, byHand } = issuer;
      return {
        connect: (options) => {
          const { baseUrl } = parseSettings(settings, options.settings);
          return connectAssisted({ kind, console: byHand.console, baseUrl, verify }, options);
        },
      };
    },
  };
}
