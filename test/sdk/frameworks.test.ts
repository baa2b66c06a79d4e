import { EventEmitter } from "node:events";
import { type RekeyRequest, rekeyMiddleware } from "../../sdk/client/express.ts";
import type { Key } from "../../sdk/client/index.ts";
import { nextKey } from "../../sdk/client/next.ts";
import { ConsumerWorld, secretArn } from "./world.ts";

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
