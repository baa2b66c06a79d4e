import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { SignatureV4 } from "@smithy/signature-v4";
import OpenAI from "openai";
import { NodeSha256 } from "../../aws/node-sha256.ts";
import { anthropicOptions } from "../../sdk/client/anthropic.ts";
import { type FederatedOptions, withFederated } from "../../sdk/client/federated.ts";
import { createRekey } from "../../sdk/client/index.ts";
import { openAIOptions } from "../../sdk/client/openai.ts";
import { AzureFake, azureFetch } from "../../stores/azure-key-vault/fake.ts";
import { GoogleFake, googleFetch } from "../../stores/google-secret-manager/fake.ts";
import { anthropicIds, json, openAIIds, TokenExchangeFake } from "./token-exchange.ts";
import { FakeUpstream, secretArn, VirtualTime } from "./world.ts";

const [openai, anthropic] = ["federated://openai/search", "federated://anthropic/search"];
const hourMs = 3_600_000;

const role = {
  AWS_REGION: "eu-central-1",
  AWS_ACCESS_KEY_ID: "AKIDFAKE",
  AWS_SECRET_ACCESS_KEY: "FAKE-secret",
};
const settings = {
  ...{ REKEY_OPENAI_IDENTITY_PROVIDER: openAIIds.identity_provider_id },
  ...{ REKEY_OPENAI_SERVICE_ACCOUNT: openAIIds.service_account_id, REKEY_OPENAI_AUDIENCE: "openai-FAKE" },
  ...{ REKEY_ANTHROPIC_RULE: anthropicIds.federation_rule_id, REKEY_ANTHROPIC_AUDIENCE: "anthropic-FAKE" },
  ...{ REKEY_ANTHROPIC_ORGANIZATION: anthropicIds.organization_id },
};

const file = (text: string) => {
  const path = join(mkdtempSync(join(tmpdir(), "rekey-federated-")), "token");
  writeFileSync(path, text, { mode: 0o400 });
  return path;
};

/** One program whose client reads a key of AWS's, and gets tokens of its issuers. */
function company({ env = {}, random = 0, ...options }: Given = {}) {
  const time = new VirtualTime();
  const issuer = new TokenExchangeFake(time.clock.wallMs);
  const upstream = new FakeUpstream(time);
  upstream.latencyMs = 0;
  const rekey = withFederated(
    createRekey({
      ...{ consumer: "search", environment: "production", reportBus: "reports", clock: time.clock },
      transport: upstream.transport,
    }),
    {
      ...{ clock: time.clock, random: () => random, fetch: issuer.fetch },
      env: { ...role, ...settings, ...env },
      ...options,
    },
  );
  return { rekey, time, issuer, upstream };
}

interface Given extends Omit<FederatedOptions, "random" | "env"> {
  random?: number;
  env?: Record<string, string>;
}

const gone = (name: string) => expect.objectContaining({ name });

describe("a program goes from a key to none by the name of its secret alone", () => {
  /** The whole program; `secret` is from its configuration. */
  const program = async ({ rekey }: ReturnType<typeof company>, secret: string) => {
    const key = await rekey.open({ secret });
    return key.use(async (text) => text);
  };

  test("with the key's ARN it gets the key, and with a federated name a token that the issuer takes", async () => {
    const world = company();
    expect(await program(world, secretArn)).toBe("FAKE-key-1");
    expect(world.issuer.requests).toEqual([]);
    const token = await program(world, openai);
    expect(world.issuer.takes(token)).toBe(true);
    expect(world.upstream.count("get")).toBe(1);
  });

  test("OpenAI's own client sends the token where it sent the key", async () => {
    const { rekey, issuer } = company();
    const key = await rekey.open({ secret: openai });
    const sent: (string | null)[] = [];
    const before = globalThis.fetch;
    globalThis.fetch = (async (_input, init) => {
      sent.push(new Headers(init?.headers).get("authorization"));
      return json(200, { object: "list", data: [] });
    }) as typeof fetch;
    try {
      await new OpenAI(openAIOptions(key)).models.list();
    } finally {
      globalThis.fetch = before;
    }
    expect(sent.map((each) => issuer.takes(each))).toEqual([true]);
  });

  test("for Anthropic the token goes out as a bearer token, and no key beside it", async () => {
    const { rekey, issuer } = company();
    const key = await rekey.open({ secret: anthropic });
    const sent: Headers[] = [];
    const before = globalThis.fetch;
    globalThis.fetch = (async (_input, init) => {
      sent.push(new Headers(init?.headers));
      return json(200, {});
    }) as typeof fetch;
    try {
      const { fetch } = anthropicOptions(key);
      const headers = { "x-api-key": "set-at-each-request", "anthropic-beta": "files-FAKE" };
      await fetch("https://api.anthropic.com/v1/models", { headers });
    } finally {
      globalThis.fetch = before;
    }
    expect(issuer.takes(sent[0]?.get("authorization"))).toBe(true);
    expect([sent[0]?.get("x-api-key"), sent[0]?.get("anthropic-beta")]).toEqual([
      null,
      "files-FAKE, oauth-2025-04-20",
    ]);
  });
});

describe("what is asked", () => {
  test("OpenAI gets what its own client sends it", async () => {
    const { rekey, issuer } = company();
    await rekey.open({ secret: openai });
    const own = new TokenExchangeFake(Date.now);
    const vendors = new OpenAI({
      workloadIdentity: {
        identityProviderId: openAIIds.identity_provider_id,
        serviceAccountId: openAIIds.service_account_id,
        provider: { tokenType: "jwt", getToken: async () => "eyFAKE.statement" },
      },
      fetch: (async (input: string, init?: RequestInit): Promise<Response> =>
        String(input).endsWith("/oauth/token")
          ? own.fetch(input, init)
          : json(200, { object: "list", data: [] })) as typeof fetch,
    });
    await vendors.models.list();
    const asked = ({ exchanges }: TokenExchangeFake, fake: TokenExchangeFake) =>
      exchanges.call(fake).map(({ url, text }) => [url.href, JSON.parse(text)]);
    expect(asked(issuer, issuer)).toEqual(asked(own, own));
  });

  test("AWS states this role for the issuer alone, and no credential of AWS's leaves for the issuer", async () => {
    const { rekey, issuer } = company();
    await rekey.open({ secret: anthropic });
    const [statement, exchange] = issuer.requests;
    expect(statement?.url.host).toBe("sts.eu-central-1.amazonaws.com");
    expect(new URLSearchParams(statement?.text).get("Audience.member.1")).toBe("anthropic-FAKE");
    expect(exchange?.url.href).toBe("https://api.anthropic.com/v1/oauth/token");
    expect(JSON.stringify(issuer.requests.map(({ text }) => text))).not.toContain("FAKE-secret");
  });

  test("a token in a file is read at each exchange", async () => {
    const path = file("eyFAKE.pod-1\n");
    const { rekey, issuer, time } = company({ openai: { jwtFile: path } });
    issuer.trusts = (statement) => statement.startsWith("eyFAKE.pod-");
    const key = await rekey.open({ secret: openai });
    writeFileSync(`${path}-2`, "eyFAKE.pod-2");
    const { renameSync } = await import("node:fs");
    renameSync(`${path}-2`, path);
    await time.pass(hourMs);
    await key.ready();
    expect(issuer.exchanges().map(({ text }) => JSON.parse(text).subject_token)).toEqual([
      "eyFAKE.pod-1",
      "eyFAKE.pod-2",
    ]);
  });

  test("Google gives a token to the role that its pool trusts, and Azure to the application's", async () => {
    const time = new VirtualTime();
    const google = new GoogleFake("shop-fake", time.clock.wallMs);
    google.identify = () => google.principal;
    const azure = new AzureFake("https://shop-fake.vault.azure.net", time.clock.wallMs);
    Object.assign(azure, { resource: "https://cognitiveservices.azure.com" });
    const [inGoogle, inAzure] = [googleFetch(google), azureFetch(azure)];
    const fetch = (url: string, init: RequestInit) =>
      url.startsWith("https://login.microsoftonline.com/") ? inAzure(url, init) : inGoogle(url, init);
    const { rekey } = company({
      ...{ clock: time.clock, fetch: fetch as typeof globalThis.fetch },
      google: { login: { method: "aws", audience: google.audience, serviceAccount: google.serviceAccount } },
      azure: {
        login: {
          ...{ method: "federated", tenant: azure.tenant, client: azure.client },
          tokenFile: file("eyFAKE.aks"),
        },
      },
    });
    const ofGoogle = await rekey.open({ secret: "federated://google/vertex" });
    expect(ofGoogle.get()).toMatch(/^ya29\.FAKE-account-/);
    expect((await rekey.open({ secret: "federated://azure/chat" })).get()).toBe("eyFAKE-azure-1");
    await time.pass(0.9 * hourMs);
    await ofGoogle.tend();
    expect(google.counts.impersonations).toBe(2);
  });
});

describe("a token of Bedrock", () => {
  const bedrock = "federated://bedrock/search";
  const sessionToken = "FAKE/session+token==";
  const prefix = "bedrock-api-key-";
  const requestIn = (text: string) =>
    new URL(`https://${Buffer.from(text.slice(prefix.length), "base64").toString("utf8")}`);

  test("is a request that AWS's own signer signs in the same way, and needs no call", async () => {
    const { rekey, issuer, time } = company({ env: { AWS_SESSION_TOKEN: sessionToken } });
    const key = await rekey.open({ secret: bedrock });
    expect(issuer.requests).toEqual([]);

    const signer = new SignatureV4({
      ...{ service: "bedrock", region: "eu-central-1", sha256: NodeSha256 },
      credentials: { accessKeyId: "AKIDFAKE", secretAccessKey: "FAKE-secret", sessionToken },
    });
    const hostname = "bedrock.amazonaws.com";
    const plain = { method: "POST", protocol: "https:", hostname, path: "/", headers: { host: hostname } };
    const signed = await signer.presign(
      { ...plain, query: { Action: "CallWithBearerToken" } },
      {
        ...{ expiresIn: 3_600, signingDate: new Date(time.clock.wallMs()) },
      },
    );
    const made = requestIn(key.get());
    expect([made.host, made.pathname]).toEqual([hostname, "/"]);
    expect(Object.fromEntries(made.searchParams)).toEqual({ ...signed.query, Version: "1" });
  });

  test("lives no longer than the role's own credentials, and is made anew from new ones", async () => {
    const time = new VirtualTime();
    let endsAtMs = time.clock.wallMs() + 20 * 60_000;
    const { rekey } = company({
      clock: time.clock,
      credentials: async () => ({
        ...{ accessKeyId: `ASIAFAKE${endsAtMs}`, secretAccessKey: "FAKE-secret", sessionToken },
        expiration: new Date(endsAtMs),
      }),
    });
    const key = await rekey.open({ secret: bedrock });
    const first = key.get();
    expect(requestIn(first).searchParams.get("X-Amz-Expires")).toBe("1200");
    endsAtMs += hourMs;
    await time.pass(20 * 60_000);
    expect(await key.use(async (text) => text)).not.toBe(first);
    endsAtMs = time.clock.wallMs();
    await expect(key.refresh()).rejects.toMatchObject({ reason: "refused" });
  });

  test.each([
    [{ lifeMs: 13 * hourMs }, {}, "from one minute to 12 hours"],
    [{}, { AWS_REGION: "" }, "AWS_REGION"],
  ])("%j with %j is refused", async (given, env, says) => {
    const opened = company({ bedrock: given, env }).rekey.open({ secret: bedrock });
    await expect(opened).rejects.toMatchObject({
      name: "OptionInvalid",
      message: expect.stringContaining(says),
    });
  });
});

describe("a token's life", () => {
  test.each([
    [0, 0.7],
    [1, 0.8],
  ])("with jitter %d, it is renewed after %d of it, once it is used", async (random, part) => {
    const { rekey, issuer, time } = company({ random });
    const key = await rekey.open({ secret: openai });
    const first = key.get();
    await time.pass(part * hourMs - 1);
    expect(key.get()).toBe(first);
    await time.pass(0);
    expect(issuer.exchanges()).toHaveLength(1);
    await time.pass(1);
    // The caller is not kept waiting: it gets the one that still lives.
    expect(key.get()).toBe(first);
    await time.pass(0);
    expect(key.get()).not.toBe(first);
    expect([issuer.exchanges().length, issuer.takes(key.get())]).toEqual([2, true]);
  });

  test("however many callers wait, one exchange is made", async () => {
    const { rekey, issuer, time } = company();
    const keys = await Promise.all(Array.from({ length: 20 }, () => rekey.open({ secret: openai })));
    expect(issuer.exchanges()).toHaveLength(1);
    await time.pass(2 * hourMs);
    await Promise.all(keys.map((key) => key.use(async (text) => text)));
    expect(issuer.exchanges()).toHaveLength(2);
  });

  test("one that nobody uses is dropped at its end without being renewed, and is served no more", async () => {
    const { rekey, issuer, time } = company();
    const key = await rekey.open({ secret: openai });
    await time.pass(hourMs);
    expect(issuer.exchanges()).toHaveLength(1);
    issuer.strike = () => "lost";
    expect(() => key.get()).toThrow(gone("KeyTooStale"));
  });

  test("a sandbox that thaws after its end gets a new one first", async () => {
    const { rekey, issuer, time } = company();
    const key = await rekey.open({ secret: openai });
    time.freeze(2 * hourMs);
    expect(() => key.get()).toThrow(gone("KeyTooStale"));
    expect(await key.use(async (text) => issuer.takes(text))).toBe(true);
  });

  test("one that is refused before its end is replaced, and the work runs once more", async () => {
    const { rekey, issuer } = company();
    const key = await rekey.open({ secret: openai });
    issuer.endAll();
    const answers: boolean[] = [];
    await key.use(async (text) => {
      answers.push(issuer.takes(text));
      if (!issuer.takes(text)) throw Object.assign(new Error("refused"), { status: 401 });
    });
    expect(answers).toEqual([false, true]);
  });

  test("an API that refuses every token does not make the issuer be asked at each request", async () => {
    const { rekey, issuer, time } = company();
    const key = await rekey.open({ secret: openai });
    const refused = () => Promise.reject(Object.assign(new Error("refused"), { status: 401 }));
    const requests = 600;
    for (let request = 0; request < requests; request += 1) {
      await expect(key.use(refused)).rejects.toMatchObject({ status: 401 });
      await time.pass(100);
    }
    expect(issuer.exchanges().length).toBeLessThan(15);
    // A token that is ended much later is replaced at once again.
    await time.pass(0.5 * hourMs);
    issuer.endAll();
    const answers: boolean[] = [];
    await key.use(async (text) => {
      answers.push(issuer.takes(text));
      if (!issuer.takes(text)) throw Object.assign(new Error("refused"), { status: 401 });
    });
    expect(answers).toEqual([false, true]);
  });

  test("however many uses of one token are refused together, each gets the one that replaces it", async () => {
    const { rekey, issuer } = company();
    const key = await rekey.open({ secret: openai });
    issuer.endAll();
    const work = async (text: string) => {
      await Promise.resolve();
      if (!issuer.takes(text)) throw Object.assign(new Error("refused"), { status: 401 });
      return text;
    };
    const got = await Promise.all(Array.from({ length: 20 }, () => key.use(work)));
    expect([new Set(got).size, issuer.exchanges().length]).toEqual([1, 2]);
  });

  test("a reply that says no life is taken for an hour, and one that claims years for a day", async () => {
    const unsaid = company();
    unsaid.issuer.lifeS = undefined;
    const key = await unsaid.rekey.open({ secret: openai });
    await unsaid.time.pass(0.69 * hourMs);
    await key.tend();
    expect(unsaid.issuer.exchanges()).toHaveLength(1);
    await unsaid.time.pass(0.02 * hourMs);
    await key.tend();
    expect(unsaid.issuer.exchanges()).toHaveLength(2);

    const years = company();
    years.issuer.lifeS = 1e9;
    const long = await years.rekey.open({ secret: openai });
    await years.time.pass(24 * hourMs);
    years.issuer.strike = () => "lost";
    expect(() => long.get()).toThrow(gone("KeyTooStale"));
  });

  test("after close nothing is held and nothing is asked", async () => {
    const { rekey, issuer } = company();
    const key = await rekey.open({ secret: openai });
    await rekey.close();
    expect(() => key.get()).toThrow(gone("RekeyClosed"));
    await expect(key.refresh()).rejects.toThrow(gone("RekeyClosed"));
    await expect(rekey.open({ secret: openai })).rejects.toThrow(gone("RekeyClosed"));
    expect(issuer.exchanges()).toHaveLength(1);
  });
});

describe("an issuer that fails", () => {
  test("once is asked once more", async () => {
    const { rekey, issuer, time } = company();
    let failed = 0;
    issuer.strike = ({ url }, answer) =>
      url.pathname.endsWith("/oauth/token") && failed++ === 0 ? json(503, {}) : answer();
    const opened = rekey.open({ secret: openai });
    await time.pass(100);
    expect(issuer.takes((await opened).get())).toBe(true);
  });

  const broken: readonly (readonly [string, () => Response | "lost", string, string])[] = [
    ["is busy", () => json(429, { error: "FAKE-quoted" }), "throttled", "OpenAI is asked too often (429)"],
    ["is down", () => json(500, {}), "server", "OpenAI is not answering (500)"],
    ["is not there", () => "lost" as const, "network", "OpenAI cannot be reached (ECONNRESET)"],
    ["sends a page", () => new Response("<h1>hello</h1>"), "refused", "OpenAI answered 200, and no token"],
    ["sends too much", () => new Response(`"${"x".repeat(2 ** 21)}"`), "refused", "and no token"],
    [
      "sends an ended token",
      () => json(200, { access_token: "FAKE-t", expires_in: -1 }),
      "refused",
      "no token",
    ],
    [
      "sends what no header takes",
      () => json(200, { access_token: "FAKE\r\nx: y", expires_in: 60 }),
      "refused",
      "what was issued cannot be sent",
    ],
    [
      "redirects",
      () => new Response(null, { status: 307, headers: { location: "https://x.test" } }),
      "denied",
      "(307)",
    ],
  ];
  test.each(broken)(
    "and %s, is told with the secret's name and nothing of its answer",
    async (_what, strike, reason, says) => {
      const { rekey, issuer, time } = company();
      issuer.strike = ({ url }, answer) => (url.pathname.endsWith("/oauth/token") ? strike() : answer());
      const opened = expect(rekey.open({ secret: openai })).rejects.toMatchObject({
        ...{ name: "UpstreamUnavailable", reason, message: expect.stringContaining(says) },
      });
      await time.pass(5_000);
      await opened;
    },
  );

  test("and hangs keeps nobody longer than timeoutMs", async () => {
    const { rekey, issuer, time } = company({ timeoutMs: 1_000 });
    issuer.strike = () => new Promise(() => {});
    const opened = expect(rekey.open({ secret: openai })).rejects.toMatchObject({ reason: "timeout" });
    await time.pass(1_000);
    await opened;
  });

  test("does not disturb a program whose token lives, and is asked with growing pauses", async () => {
    const { rekey, issuer, time } = company();
    const key = await rekey.open({ secret: openai });
    issuer.strike = () => "lost";
    await time.pass(0.71 * hourMs);
    const before = issuer.requests.length;
    for (let second = 0; second < 120; second += 1) {
      expect(issuer.takes(key.get())).toBe(true);
      await time.pass(1_000);
    }
    expect(issuer.requests.length - before).toBeLessThan(40);
    issuer.strike = (_request, answer) => answer();
    await time.pass(15_000);
    const old = key.get();
    await time.pass(0);
    expect(key.get()).not.toBe(old);
  });

  test("a statement that is not trusted is not quoted, though the issuer quotes it", async () => {
    const { rekey, issuer } = company();
    issuer.trusts = () => false;
    const failure: unknown = await rekey.open({ secret: openai }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      ...{ reason: "denied", message: `${openai}: OpenAI gave no token for this identity (401)` },
    });
    expect(inspect(failure, { depth: 9, showHidden: true })).not.toContain("eyFAKE");
  });
});

test("the token is in nothing that is printed, and in no report", async () => {
  const { rekey, upstream } = company();
  const key = await rekey.open({ secret: openai });
  const text = key.get();
  await rekey.flush();
  expect(inspect(key, { depth: 9, showHidden: true, getters: false })).not.toContain(text);
  expect(JSON.stringify([key, key.version])).not.toContain(text);
  expect(upstream.entries).toEqual([]);
});

test("whoever looks on hears of a renewal, and not of the token", async () => {
  const { rekey } = company();
  const key = await rekey.open({ secret: openai });
  const heard: unknown[] = [];
  const stop = key.onChange((version) => heard.push(version));
  await key.refresh();
  await Promise.resolve();
  stop();
  await key.refresh();
  await Promise.resolve();
  expect(heard).toEqual([
    { arn: openai, versionId: "token-2", fingerprint: expect.stringMatching(/^sha256:/) },
  ]);
});

test.each([
  ["federated://other/x", {}, "federated://<openai|anthropic|google|azure|bedrock>/<name>"],
  [openai, { REKEY_OPENAI_IDENTITY_PROVIDER: "" }, "REKEY_OPENAI_IDENTITY_PROVIDER"],
  [openai, { REKEY_OPENAI_AUDIENCE: "" }, "REKEY_OPENAI_JWT_FILE or REKEY_OPENAI_AUDIENCE"],
  [openai, { AWS_REGION: "" }, "AWS_REGION"],
  [
    openai,
    { REKEY_OPENAI_TOKEN_ADDRESS: "http://auth.example.test" },
    "REKEY_OPENAI_TOKEN_ADDRESS has to be https",
  ],
  [anthropic, { REKEY_ANTHROPIC_RULE: "" }, "REKEY_ANTHROPIC_RULE"],
  ["federated://azure/x", { REKEY_AZURE_RESOURCE: "ftp://x" }, "REKEY_AZURE_RESOURCE"],
])("%s with %j is refused by the setting's name", async (secret, env, says) => {
  await expect(company({ env }).rekey.open({ secret })).rejects.toThrow(
    expect.objectContaining({ name: "OptionInvalid", message: expect.stringContaining(says) }),
  );
});
