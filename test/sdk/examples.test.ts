import { anthropicOptions } from "../../sdk/client/anthropic.ts";
import { type Gateway, syncGateway } from "../../sdk/client/examples/litellm.ts";
import { openAIOptions } from "../../sdk/client/openai.ts";
import { ConsumerWorld, fingerprintOf, secretArn } from "./world.ts";

/** Replaces the network: a provider that knows which keys are alive, and in which header they come. */
function provideKeys(header: string, alive: Set<string>) {
  const seen: string[] = [];
  const real = globalThis.fetch;
  globalThis.fetch = async (_, init) => {
    const key = new Headers(init?.headers).get(header)?.replace("Bearer ", "") ?? "";
    seen.push(key);
    return new Response("{}", { status: alive.has(key) ? 200 : 401 });
  };
  const restore = () => {
    globalThis.fetch = real;
  };
  return { seen, restore };
}

test.each([
  ["OpenAI", openAIOptions, "authorization"],
  ["Anthropic", anthropicOptions, "x-api-key"],
] as const)("a request of the %s SDK survives a rotation", async (_, optionsFor, header) => {
  const world = new ConsumerWorld();
  const key = await world.open();
  const provider = provideKeys(header, new Set(["FAKE-key-2"]));
  try {
    world.upstream.put("v2", "FAKE-key-2");
    const options = optionsFor(key);

    const response = await world.during(
      options.fetch("https://provider.test/v1/models", { headers: { [header]: "stale" } }),
    );

    expect(response.status).toBe(200);
    expect(provider.seen).toEqual(["FAKE-key-1", "FAKE-key-2"]);
  } finally {
    provider.restore();
  }
});

/** A LiteLLM proxy: takes keys for its deployments, and uses them once it has reloaded. */
class FakeProxy {
  readonly paths: string[] = [];
  readonly alive = new Set(["FAKE-key-1"]);
  reloadsAfter = 2;
  #stored = "FAKE-key-0";

  readonly fetch: typeof fetch = async (input, init) => {
    const { pathname } = new URL(String(input));
    this.paths.push(`${init?.method} ${pathname}`);
    const body = JSON.parse(String(init?.body)) as { litellm_params?: { api_key: string } };
    if (body.litellm_params) {
      this.#stored = body.litellm_params.api_key;
      return new Response("{}");
    }
    this.reloadsAfter--;
    const isWorking = this.reloadsAfter < 0 && this.alive.has(this.#stored);
    return new Response("{}", { status: isWorking ? 200 : 401 });
  };
}

const gatewayOf = async (world: ConsumerWorld, proxy: FakeProxy): Promise<Gateway> => ({
  url: "https://litellm.test",
  adminKey: await world.during(world.rekey.open({ secret: `${secretArn}-admin` })),
  modelIds: ["m-1", "m-2"],
  model: "gpt",
  fetch: proxy.fetch,
  pause: async () => {},
});

test("a LiteLLM gateway gets the key into each deployment and counts as using it only when a call works", async () => {
  const world = new ConsumerWorld({ reportBus: "reports" });
  const key = await world.open();
  const proxy = new FakeProxy();

  expect(await syncGateway(key, await gatewayOf(world, proxy))).toBe("works");
  await world.during(world.rekey.close());

  expect(proxy.paths).toEqual([
    "PATCH /model/m-1/update",
    "PATCH /model/m-2/update",
    "POST /chat/completions",
    "POST /chat/completions",
    "POST /chat/completions",
  ]);
  const report = world.upstream
    .reports()
    .find(({ cause, secretArn: arn }) => cause === "stopping" && arn === secretArn);
  expect(report?.uses).toEqual([
    {
      fingerprint: fingerprintOf("FAKE-key-1"),
      lastSuccessAgoMs: expect.any(Number),
      lastRefusalAgoMs: null,
    },
  ]);
});

test("a gateway that never works with the key is reported as refused", async () => {
  const world = new ConsumerWorld({ reportBus: "reports" });
  const key = await world.open();
  const proxy = new FakeProxy();
  proxy.alive.clear();

  expect(await world.during(syncGateway(key, await gatewayOf(world, proxy)), 60_000)).toBe("refused");
});
