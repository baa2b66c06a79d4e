import { inspect } from "node:util";
import { withFederated } from "../../sdk/client/federated.ts";
import { createRekey } from "../../sdk/client/index.ts";
import { AzureFake, azureFetch } from "../../stores/azure-key-vault/fake.ts";
import { GoogleFake, googleFetch } from "../../stores/google-secret-manager/fake.ts";
import { anthropicIds, json, openAIIds, TokenExchangeFake } from "./token-exchange.ts";
import { VirtualTime } from "./world.ts";

type Fetch = typeof globalThis.fetch;
type Strike = (body: string) => Response | "lost" | "slow" | undefined;

/** The role of this process, whose statement is shown. */
const env = {
  ...{ AWS_REGION: "eu-central-1", AWS_ACCESS_KEY_ID: "AKIDFAKE", AWS_SECRET_ACCESS_KEY: "FAKE-secret" },
};

/** Each issuer's stand-in, and the last address of its exchange, whose answer holds the token. */
const issuers = {
  openai: {
    last: "auth.openai.com",
    life: (lifeS: unknown) => ({ access_token: "FAKE-t", expires_in: lifeS }),
  },
  anthropic: {
    last: "api.anthropic.com",
    life: (lifeS: unknown) => ({ access_token: "FAKE-t", expires_in: lifeS }),
  },
  google: {
    last: "iamcredentials.googleapis.com",
    life: (lifeS: unknown, nowMs: number) => ({
      accessToken: "FAKE-t",
      expireTime: typeof lifeS === "number" ? new Date(nowMs + lifeS * 1_000).toISOString() : lifeS,
    }),
  },
  "google without a service account": {
    last: "sts.googleapis.com",
    life: (lifeS: unknown) => ({ access_token: "FAKE-t", expires_in: lifeS }),
  },
  azure: {
    last: "login.microsoftonline.com",
    life: (lifeS: unknown) => ({ access_token: "FAKE-t", expires_in: lifeS }),
  },
} as const;
type Issuer = keyof typeof issuers;
const names = Object.keys(issuers) as Issuer[];

function company(issuer: Issuer) {
  const time = new VirtualTime();
  const exchange = new TokenExchangeFake(time.clock.wallMs);
  const google = new GoogleFake("shop-fake", time.clock.wallMs);
  google.identify = () => google.principal;
  const azure = new AzureFake("https://shop-fake.vault.azure.net", time.clock.wallMs);
  Object.assign(azure, { resource: "https://cognitiveservices.azure.com" });
  const standIns: Readonly<Record<Issuer, Fetch>> = {
    ...{ openai: exchange.fetch, anthropic: exchange.fetch },
    ...{ google: googleFetch(google) as Fetch, azure: azureFetch(azure) as Fetch },
    "google without a service account": googleFetch(google) as Fetch,
  };
  const sent: string[] = [];
  let strike: Strike = () => undefined;
  const fetch = (async (input: string, init: RequestInit) => {
    const isLast = new URL(input).host === issuers[issuer].last;
    if (isLast) sent.push(String(init.body));
    const struck = isLast ? strike(String(init.body)) : undefined;
    if (struck === "lost") throw new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
    if (struck === "slow")
      return new Promise<Response>((_resolve, reject) => {
        init.signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
      });
    if (struck !== undefined) return struck;
    return new URL(input).host === "sts.eu-central-1.amazonaws.com"
      ? exchange.fetch(input, init)
      : standIns[issuer](input, init);
  }) as Fetch;
  const serviceAccount = issuer === "google" ? google.serviceAccount : undefined;
  const secret = `federated://${issuer.split(" ")[0]}/search`;
  const rekey = withFederated(
    createRekey({ consumer: "search", environment: "production", clock: time.clock }),
    {
      ...{ clock: time.clock, random: () => 0, fetch, env, timeoutMs: 1_000 },
      openai: {
        ...{ audience: "openai-FAKE", identityProvider: openAIIds.identity_provider_id },
        serviceAccount: openAIIds.service_account_id,
      },
      anthropic: {
        ...{ audience: "anthropic-FAKE", rule: anthropicIds.federation_rule_id },
        organization: anthropicIds.organization_id,
      },
      google: { login: { method: "aws", audience: google.audience, serviceAccount } },
      azure: {
        login: { method: "aws", tenant: azure.tenant, client: azure.client, region: "eu-central-1" },
      },
    },
  );
  return {
    ...{ time, sent, secret },
    open: () => rekey.open({ secret }),
    breaks: (next: Strike) => {
      strike = next;
    },
  };
}

const echo: Strike = (body) =>
  json(400, { error: "invalid_grant", error_description: body, access_token: "FAKE-no" });
const faults: readonly (readonly [string, Strike, string])[] = [
  ["is busy", () => json(429, { error: "FAKE-quoted" }), "throttled"],
  [
    "is busy and says for how long",
    () => new Response("", { status: 429, headers: { "retry-after": "9" } }),
    "throttled",
  ],
  ["is down", () => json(500, { error: "FAKE-quoted" }), "server"],
  ["is not there", () => "lost", "network"],
  ["hangs", () => "slow", "timeout"],
  ["quotes what was shown", echo, "denied"],
  ["refuses", () => json(403, { error: "FAKE-quoted" }), "denied"],
  ["redirects", () => new Response(null, { status: 307, headers: { location: "https://x.test" } }), "denied"],
];

describe.each(names)("%s", (issuer) => {
  test.each(faults)("that %s, is told by name, and nothing of its answer", async (_what, strike, reason) => {
    const { open, breaks, time, secret } = company(issuer);
    breaks(strike);
    const failing = open().catch((error: unknown) => error);
    await time.pass(1_100);
    const failure = await failing;
    expect(failure).toMatchObject({ name: "UpstreamUnavailable", reason });
    const text = inspect(failure, { depth: 9, showHidden: true });
    expect(text).toContain(secret);
    for (const secretText of ["eyFAKE", "FAKE-secret", "FAKE-quoted", "FAKE-no"])
      expect(text).not.toContain(secretText);
  });

  test.each([
    ["ended a minute ago", -60],
    ["ends in no time", 0],
    ["ends never that can be read", "soon"],
  ])("a token that %s is not served", async (_what, lifeS) => {
    const { open, breaks, time } = company(issuer);
    breaks(() => json(200, issuers[issuer].life(lifeS, time.clock.wallMs())));
    const failing = open().then(
      (key) => key.get(),
      (error: unknown) => (error as Error).name,
    );
    await time.pass(1_100);
    expect(await failing).not.toBe("FAKE-t");
  });

  test.each([
    ["a page", () => new Response("<h1>hello</h1>")],
    ["two megabytes", () => new Response(`"${"x".repeat(2 ** 21)}"`)],
    ["an empty object", () => json(200, {})],
    ["a list", () => json(200, ["FAKE-t"])],
    ["a token that is no text", () => json(200, { access_token: 1, accessToken: 1, expires_in: 60 })],
    [
      "a token that ends the header",
      () =>
        json(200, {
          access_token: "a\r\nx: y",
          accessToken: "a\r\nx: y",
          expires_in: 60,
          expireTime: "2100-01-01T00:00:00Z",
        }),
    ],
  ])("that sends %s in place of a token, is refused", async (_what, strike) => {
    const { open, breaks, time } = company(issuer);
    breaks(strike);
    const failing = open().catch((error: unknown) => error);
    await time.pass(1_100);
    expect(await failing).toMatchObject({ name: "UpstreamUnavailable" });
  });

  test("that fails once is asked once more, and one that comes back is found", async () => {
    const { open, breaks, time, sent } = company(issuer);
    let failed = 0;
    breaks(() => (failed++ === 0 ? json(503, {}) : undefined));
    const opened = open();
    await time.pass(200);
    expect((await opened).get()).not.toBe("");
    expect(sent).toHaveLength(2);
  });
});
