import type { IsAuthFailure } from "./attempt.ts";
import { type AzureLogin, loginFrom as azureLoginFrom, azureToken } from "./azure-login.ts";
import { type Clock, systemClock } from "./clock.ts";
import { type CredentialSource, credentialChain, type Environment, type Fetch } from "./credentials.ts";
import { OptionInvalid, RekeyClosed } from "./errors.ts";
import { type AnthropicFederation, anthropicToken } from "./federated-anthropic.ts";
import { type BedrockFederation, bedrockToken } from "./federated-bedrock.ts";
import type { ExchangeWorld } from "./federated-exchange.ts";
import { createFederatedKey, type FederatedKey, type Issued } from "./federated-key.ts";
import { type OpenAIFederation, openAIToken } from "./federated-openai.ts";
import { type GoogleLogin, loginFrom as googleLoginFrom, googleToken } from "./google-login.ts";
import type { Rekey } from "./index.ts";
import { type Ask, type Token, trustedAddress } from "./store-calls.ts";

export type { AnthropicFederation } from "./federated-anthropic.ts";
export type { BedrockFederation } from "./federated-bedrock.ts";
export type { Subject } from "./federated-exchange.ts";
export type { OpenAIFederation } from "./federated-openai.ts";

export interface FederatedOptions {
  openai?: OpenAIFederation | undefined;
  anthropic?: AnthropicFederation | undefined;
  google?: { login?: GoogleLogin | undefined } | undefined;
  azure?: { login?: AzureLogin | undefined; resource?: string | undefined } | undefined;
  bedrock?: BedrockFederation | undefined;
  /** How long a caller waits for one exchange. Default 5 seconds. */
  timeoutMs?: number | undefined;
  credentials?: CredentialSource | undefined;
  fetch?: Fetch | undefined;
  clock?: Clock | undefined;
  random?: (() => number) | undefined;
  env?: Environment | undefined;
}

const form = /^federated:\/\/(openai|anthropic|google|azure|bedrock)\/[A-Za-z0-9][\w.-]{0,63}$/;
type Issuer = "openai" | "anthropic" | "google" | "azure" | "bedrock";

/**
 * The same client, which also opens `federated://<issuer>/<name>`: no key, but short-lived tokens in the form of one.
 * A program that takes its secret's name from its configuration changes nothing else.
 */
export function withFederated(rekey: Rekey, options: FederatedOptions = {}): Rekey {
  const keys = new Map<string, FederatedKey>();
  let isClosed = false;
  return {
    async open(request) {
      const { secret, isAuthFailure } = request;
      if (typeof secret !== "string" || !secret.startsWith("federated://")) return rekey.open(request);
      if (isClosed) throw new RekeyClosed("this client is closed");
      const key = keys.get(secret) ?? keyOf({ secret, isAuthFailure }, options);
      keys.set(secret, key);
      await key.ready();
      return key;
    },
    announced: rekey.announced,
    flush: rekey.flush,
    async close() {
      isClosed = true;
      for (const key of keys.values()) key.close();
      keys.clear();
      await rekey.close();
    },
  };
}

function keyOf(
  { secret, isAuthFailure }: { secret: string; isAuthFailure: IsAuthFailure | undefined },
  options: FederatedOptions,
): FederatedKey {
  const issuer = form.exec(secret)?.[1] as Issuer | undefined;
  if (issuer === undefined)
    throw new OptionInvalid(
      "a federated secret is named federated://<openai|anthropic|google|azure|bedrock>/<name>",
    );
  const { clock = systemClock, random = Math.random, timeoutMs = 5_000 } = options;
  const { env = process.env, fetch = globalThis.fetch } = options;
  if (!(timeoutMs > 0 && timeoutMs < 2 ** 31))
    throw new OptionInvalid("timeoutMs is a number of milliseconds");
  const wallMs = () => clock.wallMs();
  const credentials = options.credentials ?? credentialChain({ env, fetch, wallMs });
  const world: ExchangeWorld = { env, fetch, wallMs, credentials };
  const exchange = (signal: AbortSignal) => tokenOf[issuer](options, { secret, signal }, world);
  return createFederatedKey({ ...{ secret, exchange, clock, random, timeoutMs, isAuthFailure } });
}

type TokenOf = (options: FederatedOptions, asked: Ask, world: ExchangeWorld) => Promise<Issued>;

const tokenOf: Readonly<Record<Issuer, TokenOf>> = {
  openai: ({ openai = {} }, asked, world) => openAIToken(openai, asked, world),
  anthropic: ({ anthropic = {} }, asked, world) => anthropicToken(anthropic, asked, world),
  google: async ({ google = {} }, asked, world) => {
    const words = { store: "Google", see: "see DNS and the route to it" };
    const fromMs = world.wallMs();
    const login = google.login ?? googleLoginFrom(world.env);
    return lifeOf(await googleToken(asked, { ...world, login, words }), fromMs);
  },
  bedrock: ({ bedrock = {} }, _asked, world) => bedrockToken(bedrock, world),
  azure: async ({ azure = {} }, asked, world) => {
    const words = { store: "Azure", see: "see DNS and the route to it" };
    const fromMs = world.wallMs();
    const given =
      azure.resource || world.env["REKEY_AZURE_RESOURCE"] || "https://cognitiveservices.azure.com";
    const resource = trustedAddress(given, "REKEY_AZURE_RESOURCE");
    const login = azure.login ?? azureLoginFrom(world.env);
    return lifeOf(await azureToken(asked, { ...world, login, resource, words }), fromMs);
  },
};

function lifeOf({ text, dueAtMs, endsAtMs = dueAtMs }: Token, fromMs: number): Issued {
  return { text, lifeMs: endsAtMs - fromMs };
}
