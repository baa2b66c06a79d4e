import { statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleOnce, HostWorld, until } from "./host-world.ts";

let world: HostWorld;
let built: Awaited<ReturnType<typeof bundleOnce>>;

beforeAll(async () => {
  built = await bundleOnce();
  world = await HostWorld.create(built.bundle);
});

afterAll(async () => {
  await world.close();
  await built.remove();
});

/** Says at its end which of the modules that make a start slow it has loaded: Node's `fetch` and what stands below it. */
const spy = `
  const byNode = new Set(process.moduleLoadList);
  const slow = /NativeModule (internal\\/deps\\/undici\\/undici|http2|zlib|assert|readline|internal\\/fs\\/streams|worker_threads)$/;
  process.on("exit", () => {
    const loaded = process.moduleLoadList.filter((name) => !byNode.has(name) && slow.test(name));
    console.error("LOADED " + loaded.map((name) => name.slice("NativeModule ".length)).join());
  });`;

const spied = (): Readonly<Record<string, string>> => {
  const path = join(world.folder, "spy.cjs");
  writeFileSync(path, spy);
  return { NODE_OPTIONS: `--require=${path}` };
};

test("exec reads its key and starts its command without Node's own fetch, and what that loads", async () => {
  const running = world.exec([], ["true"], { more: spied() });
  expect((await running.ended).code).toBe(0);
  expect(world.told()).toEqual(["v1", "stopping"]);
  expect(running.err()).toBe("LOADED \n");
});

test("nor does agent need it to serve", async () => {
  const flags = ["--secret", world.aws.arn, "--port", "0", "--token-file", join(world.folder, "token")];
  const running = world.run(["agent", ...flags], { more: spied() });
  await until("its port", () => /"port":\d+/.exec(running.out()) ?? undefined);
  running.child.kill("SIGTERM");
  await running.ended;
  expect(running.err()).toContain("LOADED \n");
});

test("both are one small file", () => {
  expect(statSync(built.bundle).size).toBeLessThan(100_000);
});
