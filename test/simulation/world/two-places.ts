import type { Policy } from "../../../core/policy.ts";
import { azureOpenAiFake } from "../../../providers/azure-openai/fake.ts";
import type { FakeRequest } from "../../../providers/fake.ts";
import type { OpenAiFake, OpenAiFakeOptions } from "../../../providers/openai/fake.ts";
import { policyFor } from "./declared-policy.ts";

const origin = "https://two-places.example.com";
const noScopes: readonly string[] = [];

/** An account with two places for keys, behind the same face as the stand-in of OpenAI. */
export function twoPlaces(options: OpenAiFakeOptions): OpenAiFake {
  const { now, random, activateMs, dieMs } = options;
  const fake = azureOpenAiFake({
    ...(now && { now }),
    ...(random && { random }),
    ...(activateMs !== undefined && { activateMs }),
    ...(dieMs !== undefined && { dieMs }),
  });
  const handle = (request: FakeRequest) => fake.handle(asUsed(request));
  return {
    ...{ handle, http: fake.http, inject: fake.inject, texts: fake.texts, counters: fake.counters },
    adminKey: fake.adminKey,
    listen: async () => {
      const { origin: url, close } = await fake.listen();
      return { url, close };
    },
    // A third place there is not: whoever asks for a key is given the one of the first place.
    addKey: () => fake.addKey(),
    addAdminKey: () => {
      throw new TypeError("this stand-in makes no admin keys");
    },
    adminKeys: () => [],
    replaceAdminKey: () => {
      throw new TypeError("this stand-in keeps its admin key");
    },
    state: () =>
      fake.state().map((key) => ({ ...key, project: "none", owner: "the account", scopes: noScopes })),
  };
}

/** Consumers of the simulator call every provider as they call OpenAI. */
function asUsed(request: FakeRequest): FakeRequest {
  if (!request.path.endsWith("/v1/chat/completions")) return request;
  return { ...request, path: "/openai/deployments/gpt-fake/chat/completions" };
}

/** The account's block in a policy; nothing but Rekey gives out the idle place's key. */
export function providerWithTwoPlaces(
  name: string,
  propagation: Readonly<Record<string, number>>,
): Policy["provider"] {
  const { provider } = policyFor({ name, secretArn: "none", consumers: [], propagation });
  const zero = "00000000-0000-0000-0000-000000000000";
  return {
    ...provider,
    kind: "azure-openai",
    settings: {
      ...{ adminCredential: provider.adminCredential, tenant: "tenant-fake", client: "client-fake" },
      ...{ subscription: zero, group: "shop", account: "shop-openai", idleIsFree: true },
      ...{ endpoint: origin, managementUrl: origin, loginUrl: origin, propagation },
    },
  };
}
