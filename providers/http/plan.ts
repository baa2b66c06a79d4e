import type { ProviderFacts } from "../../core/policy.ts";
import type { PropagationProfile, ProviderCapabilities } from "../../core/ports.ts";
import { hostsOf, usualPropagation } from "../settings.ts";
import type { Declaration } from "./declaration.ts";
import type { TemplateValues } from "./template.ts";

/** A declaration together with the settings of one account: all that the adapter needs. */
export interface Plan {
  /** The provider's kind, for messages. */
  readonly kind: string;
  readonly declaration: Declaration;
  readonly baseUrl: string;
  /** Where calls with the key itself go; without it, to `baseUrl`. */
  readonly keyBaseUrl?: string | undefined;
  readonly tokenBaseUrl?: string | undefined;
  readonly parameters: TemplateValues;
  /** For a new key whose policy names none. */
  readonly scopes?: readonly string[] | undefined;
  readonly propagation?: Partial<PropagationProfile>;
}

export const keyUrlOf = ({ keyBaseUrl, baseUrl }: Plan): string => keyBaseUrl ?? baseUrl;
export const tokenUrlOf = ({ tokenBaseUrl, baseUrl }: Plan): string => tokenBaseUrl ?? baseUrl;

export function planHosts(plan: Plan): readonly string[] {
  const { token } = plan.declaration;
  return hostsOf(plan.baseUrl, keyUrlOf(plan), ...(token === undefined ? [] : [tokenUrlOf(plan)]));
}

export function planFacts({ declaration, propagation }: Plan): ProviderFacts {
  return {
    capabilities: capabilitiesOf(declaration),
    propagation: { ...usualPropagation, ...propagation },
  };
}

function capabilitiesOf({ newSecret, quarantine, list }: Declaration): ProviderCapabilities {
  return {
    shape: { kind: newSecret === undefined ? "sideBySide" : "clientSecret" },
    quarantine: quarantine === undefined ? "no" : "yes",
    quarantineContains: quarantine !== undefined,
    revoke: true,
    lastUsed: list.lastUsedAt !== undefined,
    usagePerKey: false,
    expiry: false,
  };
}
