import { EventEmitter } from "node:events";
import { type RekeyRequest, rekeyMiddleware } from "../../sdk/client/express.ts";
import { withFederated } from "../../sdk/client/federated.ts";
import type { Key, Rekey } from "../../sdk/client/index.ts";
import { nextKey } from "../../sdk/client/next.ts";
import { openAIIds, TokenExchangeFake } from "./token-exchange.ts";
import { ConsumerWorld, secretArn } from "./world.ts";

const openAIFederation = {
  ...{ identityProvider: openAIIds.identity_provider_id, serviceAccount: openAIIds.service_account_id },
  audience: "openai-FAKE",
};

/** One request through the middleware, as Express calls it; answers what `next` was called with. */
function passed(world: ConsumerWorld, middleware: ReturnType<typeof rekeyMiddleware>, request: object) {
  return world.during(new Promise<unknown>((resolve) => middleware(request, {}, resolve)), 6_000);
}

describe("Express", () => {
  test("a request gets the current key, and a second one reads nothing", async () => {
    const world = new ConsumerWorld();
    const middleware = rekeyMiddleware({ secret: secretArn, client: world.rekey });
    const request = {} as RekeyRequest;

    expect(await passed(world, middleware, request)).toBeUndefined();
    expect(request.rekey.key.get()).toBe("FAKE-key-1");
    await passed(world, middleware, {});
    expect(world.upstream.count("get")).toBe(1);
  });

  test("a key that cannot be served reaches the error handler as 503, by name", async () => {
    const world = new ConsumerWorld();
    world.upstream.fault = "denied";
    const middleware = rekeyMiddleware({ secret: secretArn, client: world.rekey });

    expect(await passed(world, middleware, {})).toMatchObject({ name: "UpstreamUnavailable", status: 503 });
  });

  test("a server that closes reports for the last time", async () => {
    const world = new ConsumerWorld({ reportBus: "reports" });
    const middleware = rekeyMiddleware({ secrets: { openai: secretArn }, client: world.rekey });
    const server = new EventEmitter();
    middleware.closeWith(server);
    await world.during(middleware.ready(), 500);

    server.emit("close");
    await world.time.pass(500);

    expect(world.upstream.reports().at(-1)).toMatchObject({ cause: "stopping" });
  });
});

describe("Next.js", () => {
  const optionsOf = (world: ConsumerWorld, env: Record<string, string> = {}) => ({
    secret: secretArn,
    transport: world.upstream.transport,
    clock: world.time.clock,
    env: {
      REKEY_CONSUMER: `site-${crypto.randomUUID()}`,
      REKEY_ENVIRONMENT: "production",
      REKEY_REPORT_BUS: "reports",
      ...env,
    },
  });

  test("a module that is loaded again shares the client and its key", async () => {
    const world = new ConsumerWorld();
    const options = optionsOf(world);
    const once = nextKey(options);
    await world.during(once.register(), 500);

    const again: Key = await world.during(nextKey(options).key(), 500);

    expect(again).toBe(await once.key());
    expect(world.upstream.count("get")).toBe(1);
  });

  test("a federated name gives a token where the client is extended, beside a module that has a key", async () => {
    const world = new ConsumerWorld();
    const issuer = new TokenExchangeFake(world.time.clock.wallMs);
    const options = optionsOf(world);
    const extend = (rekey: Rekey) =>
      withFederated(rekey, {
        ...{ clock: world.time.clock, fetch: issuer.fetch, openai: openAIFederation },
        env: { AWS_REGION: "eu-central-1", AWS_ACCESS_KEY_ID: "AKIDFAKE", AWS_SECRET_ACCESS_KEY: "FAKE" },
      });
    await world.during(nextKey(options).key(), 500);
    const federated = { ...options, secret: "federated://openai/site", extend };

    const key = await world.during(nextKey(federated).key(), 500);

    expect(issuer.takes(key.get())).toBe(true);
    expect(await world.during(nextKey(federated).key(), 500)).toBe(key);
    expect(issuer.exchanges()).toHaveLength(1);
  });

  test("a build and the Edge runtime read nothing, and a page that asks there is told what to set", async () => {
    for (const [env, advice] of [
      [{ NEXT_PHASE: "phase-production-build" }, 'dynamic = "force-dynamic"'],
      [{ NEXT_RUNTIME: "edge" }, 'runtime = "nodejs"'],
    ] as const) {
      const world = new ConsumerWorld();
      const site = nextKey(optionsOf(world, env));

      await site.register();
      await expect(site.key()).rejects.toThrow(advice);
      expect(world.upstream.calls).toEqual([]);
    }
  });
});
