import { inspect } from "node:util";
import { KeyTooStale, type LogLine } from "../../sdk/client/index.ts";
import { ConsumerWorld, secretArn } from "./world.ts";

const value = "FAKE-key-1";
const encodings = [
  value,
  Buffer.from(value).toString("base64").slice(0, 12),
  Buffer.from(value).toString("hex"),
  encodeURIComponent(value),
];

function expectNothingIn(text: string): void {
  for (const encoding of encodings) expect(text).not.toContain(encoding);
}

/** Everything that a debugger's print, a logger or a serializer would reach. */
function everythingSaid(thing: unknown): string {
  const deep = { depth: 20, showHidden: true, getters: true };
  return [
    inspect(thing, deep),
    inspect(thing, { ...deep, customInspect: false }),
    inspect({ nested: [thing] }, deep),
    JSON.stringify(thing),
    JSON.stringify({ nested: thing }),
    `${thing}`,
    JSON.stringify(Object.entries(thing as object)),
    JSON.stringify(Reflect.ownKeys(thing as object).map(String)),
  ].join("\n");
}

test("a handle and its client show a fingerprint and no value, however they are printed", async () => {
  const world = new ConsumerWorld({ reportBus: "reports" });
  const key = await world.open();

  expectNothingIn(everythingSaid(key));
  expectNothingIn(everythingSaid(world.rekey));
  expectNothingIn(everythingSaid(key.version));
  expect(() => structuredClone(key.get)).toThrow();
});

test("no error quotes the value, in its message, stack, fields or causes", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.fault = "down";
  world.time.freeze(100 * 3_600_000);
  const errors: unknown[] = [];
  try {
    key.get();
  } catch (error) {
    errors.push(error);
  }
  await world.during(key.refresh()).catch((error: unknown) => errors.push(error));
  await world.during(key.use(async () => "x")).catch((error: unknown) => errors.push(error));

  expect(errors).toHaveLength(3);
  expect(errors[0]).toBeInstanceOf(KeyTooStale);
  for (const error of errors) expectNothingIn(`${everythingSaid(error)}${(error as Error).stack}`);
});

test("a transport's error that quotes the value is replaced by one that does not", async () => {
  const transport = async () => {
    throw Object.assign(new Error(`bad answer: ${value}`), { code: value, body: value });
  };
  const quoting = new ConsumerWorld({ transport });

  const error = await quoting.open().catch((reason: unknown) => reason);

  expect(error).toMatchObject({ name: "UpstreamUnavailable" });
  expectNothingIn(everythingSaid(error));
});

test("no report and no log line holds the value", async () => {
  const lines: LogLine[] = [];
  const world = new ConsumerWorld({ reportBus: "reports", log: (line) => lines.push(line) });
  const key = await world.open();
  await key.use(world.provider.call);
  world.upstream.put("v2", "FAKE-key-2");
  await world.during(key.refresh());
  world.upstream.fault = "down";
  world.upstream.busFault = "down";
  await world.during(key.refresh().catch(() => undefined));
  await world.during(world.rekey.close());

  expect(lines.map(({ event }) => event)).toEqual(
    expect.arrayContaining(["changed", "refreshFailed", "reportFailed"]),
  );
  expectNothingIn(JSON.stringify([lines, world.upstream.entries]));
});

test("nothing is hung on the global object", async () => {
  const before = Reflect.ownKeys(globalThis);
  const world = new ConsumerWorld();
  const key = await world.open();

  expect(key.get()).toBe(value);
  expect(Reflect.ownKeys(globalThis)).toEqual(before);
});

test("a value that was replaced is let go of", async () => {
  const world = new ConsumerWorld();
  const key = await world.open();
  world.upstream.put("v2", JSON.stringify({ any: "FAKE-key-2" }));
  await world.during(key.refresh());

  expectNothingIn(everythingSaid(key));
  expect(key.get()).not.toBe(value);
  expect(key.version).toMatchObject({ arn: secretArn, versionId: "v2" });
});
