import { type ExchangeWorld, exchanged, type Subject, subjectToken, valuesOf } from "./federated-exchange.ts";
import type { Issued } from "./federated-key.ts";
import type { Ask } from "./store-calls.ts";

/** https://developers.openai.com/api/reference/workload-identity-federation */
export interface OpenAIFederation extends Subject {
  identityProvider?: string | undefined;
  serviceAccount?: string | undefined;
  /** Default REKEY_OPENAI_TOKEN_ADDRESS, or https://auth.openai.com. */
  address?: string | undefined;
}

export async function openAIToken(
  given: OpenAIFederation,
  asked: Ask,
  world: ExchangeWorld,
): Promise<Issued> {
  const [issuer, prefix] = ["OpenAI", "OPENAI"];
  const { of, needed, subject } = valuesOf(world.env, prefix);
  const ids = {
    identity_provider_id: needed("IDENTITY_PROVIDER", given.identityProvider),
    service_account_id: needed("SERVICE_ACCOUNT", given.serviceAccount),
  };
  const shown = await subjectToken(subject(given), { ...world, asked, issuer, prefix });
  return exchanged({
    ...{ asked, issuer, fetch: world.fetch, path: "/oauth/token" },
    address: given.address || of("TOKEN_ADDRESS") || "https://auth.openai.com",
    addressName: "REKEY_OPENAI_TOKEN_ADDRESS",
    body: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      subject_token: shown,
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      ...ids,
    },
  });
}
