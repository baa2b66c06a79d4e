import middy from "@middy/core";
import { rekeyMiddleware } from "../../sdk/client/middy.ts";
import { ConsumerWorld, secretArn } from "./world.ts";

/** Runs one Lambda invocation in virtual time. */
const invoke = <T>(
  world: ConsumerWorld,
  handler: (event: unknown, context: never) => Promise<T>,
): Promise<T> => world.during(handler({}, {} as never), 1_000);

const optionsOf = (world: ConsumerWorld) => ({
  secret: secretArn,
  transport: world.upstream.transport,
  clock: world.time.clock,
  env: { AWS_LAMBDA_FUNCTION_NAME: "billing", REKEY_ENVIRONMENT: "production", REKEY_REPORT_BUS: "reports" },
});

test("a handler finds its key in the context, and the function's name is the consumer's", async () => {
  const world = new ConsumerWorld();
  const handler = middy<unknown, string>()
    .use(rekeyMiddleware(optionsOf(world)))
    .handler(async (_, context) => context.rekey.key.get());

  expect(await invoke(world, handler)).toBe("FAKE-key-1");
  expect(await invoke(world, handler)).toBe("FAKE-key-1");

  expect(world.upstream.count("get")).toBe(1);
  expect(world.upstream.reports()[0]).toMatchObject({ consumer: "billing", cause: "started" });
});

test("several keys are found by their names, in the context and in middy's internal values", async () => {
  const world = new ConsumerWorld();
  const { secret: _, ...options } = optionsOf(world);
  const fetchData = { openai: secretArn, search: { secret: `${secretArn}2`, field: undefined } };
  const internal: string[] = [];
  const handler = middy<unknown, string>()
    .use(rekeyMiddleware({ ...options, fetchData }))
    .use({ before: (request) => void internal.push(...Object.keys(request.internal)) })
    .handler(async (_, { rekey }) => `${rekey.openai.get()} ${rekey.search.get()}`);

  expect(await invoke(world, handler)).toBe("FAKE-key-1 FAKE-key-1");
  expect(internal).toEqual(["openai", "search"]);
});

test("reading starts while the function initialises, unless that is switched off", async () => {
  const world = new ConsumerWorld();
  rekeyMiddleware(optionsOf(world));
  await world.time.pass(1);
  expect(world.upstream.calls).toEqual(["get"]);

  const lazy = new ConsumerWorld();
  rekeyMiddleware({ ...optionsOf(lazy), disablePrefetch: true, setToContext: false });
  await lazy.time.pass(1);
  expect(lazy.upstream.calls).toEqual([]);
});

test("a prefetch that fails is tried again by the first request, which fails by name", async () => {
  const world = new ConsumerWorld();
  world.upstream.fault = "down";
  const handler = middy<unknown, string>()
    .use(rekeyMiddleware(optionsOf(world)))
    .handler(async (_, context) => context.rekey.key.get());
  await world.time.pass(1_000);

  await expect(invoke(world, handler)).rejects.toMatchObject({ name: "UpstreamUnavailable" });

  world.upstream.fault = "none";
  expect(await invoke(world, handler)).toBe("FAKE-key-1");
});

test("a sandbox that was frozen for a day reads again before the handler runs", async () => {
  const world = new ConsumerWorld();
  const handler = middy<unknown, string>()
    .use(rekeyMiddleware(optionsOf(world)))
    .handler(async (_, context) => context.rekey.key.get());
  await invoke(world, handler);
  world.upstream.put("v2", "FAKE-key-2");
  world.time.freeze(24 * 3_600_000);

  expect(await invoke(world, handler)).toBe("FAKE-key-2");
});

test("a report on its way has arrived when the invocation ends", async () => {
  const world = new ConsumerWorld();
  world.upstream.latencyMs = 50;
  const handler = middy<unknown, string>()
    .use(rekeyMiddleware(optionsOf(world)))
    .handler(async (_, context) => context.rekey.key.get());

  const told = handler({}, {} as never).then(() => world.upstream.reports().length);

  expect(await world.during(told, 1_000)).toBe(1);
});

test("the answer waits for a report on its way, and no longer than its deadline", async () => {
  const world = new ConsumerWorld();
  world.upstream.busFault = "hung";
  const handler = middy<unknown, string>()
    .use(rekeyMiddleware({ ...optionsOf(world), timeoutMs: 800 }))
    .handler(async (_, context) => context.rekey.key.get());

  expect(await invoke(world, handler)).toBe("FAKE-key-1");
});
