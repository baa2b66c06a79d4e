import { createServer, type Server } from "node:http";
import { text } from "node:stream/consumers";
import { permitRestart } from "../../functions/evidence/permit-restart.ts";
import { open, type Story } from "../machine/rotation/story.ts";
import { bundleOnce, HostWorld, until } from "./host-world.ts";
import { fingerprintOf } from "./world.ts";

const userArn = "arn:aws:sts::111122223333:assumed-role/billing/host";

let built: Awaited<ReturnType<typeof bundleOnce>>;
let story: Story;
let world: HostWorld;
let server: Server;
let url: string;
/** What Rekey's function was asked and answered, in order. */
let turns: string[];
let isDown: boolean;

beforeAll(async () => {
  built = await bundleOnce();
});

afterAll(() => built.remove());

/** The ledger of one deployment, whose policy names this secret's consumer; its function behind a URL on loopback. */
beforeEach(async () => {
  story = await open();
  const policy = await story.world.ledger.policy(story.secretArn);
  const deps = story.world.depsOutside("permit-restart");
  story.world.time.uninstall();
  world = await HostWorld.create(built.bundle);
  if (policy === undefined || policy.consumers === "none") throw new TypeError("the story has consumers");
  const consumers = policy.consumers.slice(0, 1).map((each) => ({ ...each, name: "billing" }));
  await story.world.ledger.putPolicy({ ...policy, secretArn: world.aws.arn, consumers });
  turns = [];
  isDown = false;
  server = createServer(async (request, reply) => {
    const body = await text(request);
    if (isDown) return void reply.writeHead(503).end("{}");
    const requestContext = { timeEpoch: Date.now(), authorizer: { iam: { userArn } } };
    const answered = await permitRestart({ body, requestContext }, deps);
    const { action, instance } = JSON.parse(body) as { action: string; instance: string };
    const { outcome } = JSON.parse(answered.body) as { outcome: string };
    turns.push(`${instance.replace(/\W.*/, "")} ${action} ${outcome}`);
    reply.writeHead(answered.statusCode).end(answered.body);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
});

afterEach(async () => {
  await world.close();
  story.close();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

/** A program that takes a moment to be ready, and says when it starts and ends. */
const program = "trap 'exit 0' TERM; echo started $KEY; while :; do sleep 0.05; done";

const start = (instance: string, more: readonly string[] = [], ready = "exec:sleep 0.5") =>
  world.run([
    ...["exec", "--secret", world.aws.arn, "--env", "KEY", "--consumer", "billing", "--instance", instance],
    ...["--refresh", "200ms", "--permit-url", url, "--ready", ready, ...more, "--", "/bin/sh", "-c", program],
  ]);

const holds = (instance: string) =>
  world.reports().findLast((report) => report.instance.startsWith(instance))?.holds.fingerprint;

test("of two instances one restarts after the other: never are both without a permit's end in between", async () => {
  const running = ["one", "two"].map((instance) => start(instance));
  for (const { out } of running) await until("the first starts", () => out().includes("started FAKE-key-1"));
  world.rotate();
  for (const { out } of running)
    await until("the restarts", () => out().includes("started FAKE-key-2"), 40_000);
  await until(
    "both permits back",
    () => turns.filter((each) => each.includes(" done ")).length === 2,
    20_000,
  );

  const steps = turns.filter((each) => / granted$| done /.test(each));
  const [one = "", other = ""] = steps
    .filter((each) => each.endsWith("granted"))
    .map((each) => each.split(" ")[0]);
  expect([one, other].sort()).toEqual(["one", "two"]);
  expect(steps).toEqual([
    ...[`${one} ask granted`, `${one} done noted`, `${other} ask granted`, `${other} done noted`],
  ]);
}, 90_000);

test("while Rekey does not answer nothing restarts, it is said, and the key before is still reported", async () => {
  isDown = true;
  const running = ["one", "two"].map((instance) => start(instance, ["--permit-wait", "3s"]));
  for (const { out } of running) await until("the first starts", () => out().includes("started FAKE-key-1"));
  world.rotate();
  for (const { err } of running)
    await until("the word about it", () => err().includes("the command keeps its key"), 30_000);

  expect(running.map(({ out }) => out())).toEqual(["started FAKE-key-1\n", "started FAKE-key-1\n"]);
  expect(["one", "two"].map(holds)).toEqual([fingerprintOf("FAKE-key-1"), fingerprintOf("FAKE-key-1")]);
}, 60_000);

test("an instance that is not ready with the new key keeps the other one from trying", async () => {
  const first = start("one", ["--ready-within", "1s"], "exec:false");
  await until("the first start", () => first.out().includes("started FAKE-key-1"));
  world.rotate();
  await until("its word", () => turns.includes("one failed noted"), 30_000);
  world.rotate("v1", "FAKE-key-1");
  const second = start("two");
  await until("the second's start", () => second.out().includes("started"));
  world.rotate();
  await until("the refusal", () => turns.includes("two ask refused"), 30_000);
  expect(second.out()).not.toContain("FAKE-key-2");
}, 90_000);
