import { type ExchangeWorld, exchanged, type Subject, subjectToken, valuesOf } from "./federated-exchange.ts";
import type { Issued } from "./federated-key.ts";
import type { Ask } from "./store-calls.ts";

/** https://platform.claude.com/docs/en/manage-claude/wif-admin-api */
export interface AnthropicFederation extends Subject {
  /** `fdrl_…` */
  rule?: string | undefined;
  organization?: string | undefined;
  /** `svac_…` */
  serviceAccount?: string | undefined;
  workspace?: string | undefined;
  /** Default REKEY_ANTHROPIC_TOKEN_ADDRESS, or https://api.anthropic.com. */
  address?: string | undefined;
}

export async function anthropicToken(
  given: AnthropicFederation,
  asked: Ask,
  world: ExchangeWorld,
): Promise<Issued> {
  const [issuer, prefix] = ["Anthropic", "ANTHROPIC"];
  const { of, needed, subject } = valuesOf(world.env, prefix);
  const ids = {
    federation_rule_id: needed("RULE", given.rule),
    organization_id: needed("ORGANIZATION", given.organization),
    service_account_id: given.serviceAccount || of("SERVICE_ACCOUNT"),
    workspace_id: given.workspace || of("WORKSPACE"),
  };
  const shown = await subjectToken(subject(given), { ...world, asked, issuer, prefix });
  return exchanged({
    ...{ asked, issuer, fetch: world.fetch, path: "/v1/oauth/token" },
    address: given.address || of("TOKEN_ADDRESS") || "https://api.anthropic.com",
    addressName: "REKEY_ANTHROPIC_TOKEN_ADDRESS",
    headers: { "anthropic-beta": "oauth-2025-04-20,oidc-federation-2026-04-01" },
    body: { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: shown, ...ids },
  });
}
