import { readFileSync, statSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { startAgent } from "../../sdk/agent/agent.ts";
import { settingsFrom } from "../../sdk/agent/settings.ts";
import { systemClock } from "../../sdk/client/clock.ts";
import { bundleOnce, HostWorld, type Running, until } from "./host-world.ts";
import { fingerprintOf } from "./world.ts";

let built: Awaited<ReturnType<typeof bundleOnce>>;
let world: HostWorld;

beforeAll(async () => {
  built = await bundleOnce();
});

afterAll(async () => {
  await built.remove();
});

beforeEach(async () => {
  world = await HostWorld.create(built.bundle);
});

afterEach(async () => {
  await world.close();
});

const tokenPath = () => join(world.folder, "token");
const flags = (...more: readonly string[]) => [
  ...["--secret", world.aws.arn, "--port", "0", "--token-file", tokenPath()],
  ...more,
];

interface Served {
  running: Running;
  get(path: string, headers?: Record<string, string>): Promise<{ status: number; text: string }>;
  post(path: string, body: unknown): Promise<{ status: number; text: string }>;
}

/** The agent as a process of its own, and a caller that may set any header. */
async function serve(...more: readonly string[]): Promise<Served> {
  const running = world.run(["agent", ...flags(...more)]);
  const port = await until("the agent", () => /"port":(\d+)/.exec(running.out())?.[1]);
  const call = (method: string, path: string, { headers = {}, body = "" }) =>
    new Promise<{ status: number; text: string }>((resolve, reject) => {
      const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
        let text = "";
        response.on("data", (chunk) => {
          text += String(chunk);
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      });
      sent.on("error", reject);
      sent.end(body);
    });
  const token = () => ({ "X-Aws-Parameters-Secrets-Token": readFileSync(tokenPath(), "utf8") });
  return {
    running,
    get: (path, headers = token()) => call("GET", path, { headers }),
    post: (path, body) => call("POST", path, { headers: token(), body: JSON.stringify(body) }),
  };
}

const lookUp = (id: string) => `/secretsmanager/get?secretId=${encodeURIComponent(id)}`;

test("serves a listed secret by ARN, by name and by AWS's other path, from memory, to whoever has the token", async () => {
  const { get } = await serve();

  for (const path of [lookUp(world.aws.arn), lookUp("billing"), `/v1/${encodeURIComponent(world.aws.arn)}`]) {
    const { status, text } = await get(path);
    expect([status, JSON.parse(text)]).toEqual([
      200,
      expect.objectContaining({ ARN: world.aws.arn, VersionId: "v1", SecretString: "FAKE-key-1" }),
    ]);
  }
  expect(world.aws.count("GetSecretValue")).toBe(1);
  const vault = { "X-Vault-Token": readFileSync(tokenPath(), "utf8") };
  expect((await get(lookUp("billing"), vault)).status).toBe(200);
});

test("the token is in a file that only its user may read, and stays the same over a restart", async () => {
  const { running } = await serve();
  const token = readFileSync(tokenPath(), "utf8");
  expect(token).toMatch(/^[0-9a-f]{64}$/);
  expect(statSync(tokenPath()).mode & 0o777).toBe(0o400);
  running.child.kill("SIGTERM");
  await running.ended;

  const { get } = await serve();

  expect(readFileSync(tokenPath(), "utf8")).toBe(token);
  expect((await get(lookUp("billing"))).status).toBe(200);
});

test("a token that others could have read or written is replaced", async () => {
  writeFileSync(tokenPath(), "a".repeat(64), { mode: 0o644 });
  const { get } = await serve();

  expect((await get(lookUp("billing"), { "X-Aws-Parameters-Secrets-Token": "a".repeat(64) })).status).toBe(
    401,
  );
});

test.each([
  ["without a token", lookUp("billing"), {}, 401, "TokenRefused"],
  ["with a wrong token", lookUp("billing"), { "X-Aws-Parameters-Secrets-Token": "x" }, 401, "TokenRefused"],
  ["through a proxy", lookUp("billing"), { "X-Forwarded-For": "10.0.0.1" }, 400, "Forwarded"],
  ["to another host's name", lookUp("billing"), { host: "attacker.example" }, 403, "HostRefused"],
])("a request %s gets nothing", async (_, path, headers, status, error) => {
  const { get } = await serve();

  expect(await get(path, headers)).toEqual({ status, text: JSON.stringify({ error }) });
});

test.each([
  ["another secret", lookUp("other"), 403, "SecretNotListed"],
  ["the pending version", `${lookUp("billing")}&versionStage=AWSPENDING`, 403, "VersionNotCurrent"],
  ["the version before", `${lookUp("billing")}&versionStage=AWSPREVIOUS`, 403, "VersionNotCurrent"],
  ["another version by its id", `${lookUp("billing")}&versionId=v0`, 403, "VersionNotCurrent"],
  ["another role", `${lookUp("billing")}&roleArn=x`, 400, "ParameterUnknown"],
  ["nothing", "/secretsmanager/get", 400, "SecretIdMissing"],
  ["another path", "/", 404, "NoSuchPath"],
])(
  "whoever has the token and asks for %s is refused, and upstream is not asked",
  async (_, path, status, error) => {
    const { get } = await serve();

    expect(await get(path)).toEqual({ status, text: JSON.stringify({ error }) });
    expect(world.aws.count("GetSecretValue")).toBe(1);
  },
);

test("ping needs no token and says nothing but that it is there", async () => {
  const { get } = await serve();

  expect(await get("/ping", {})).toEqual({ status: 200, text: "healthy" });
});

describe("a rotation is seen", () => {
  const isServed = async (get: Served["get"], version: string) =>
    (JSON.parse((await get(lookUp("billing"))).text) as { VersionId: string }).VersionId === version;

  test("within the request that says that a key was refused", async () => {
    const { get, post } = await serve();
    world.rotate();

    const { text } = await post("/rekey/outcome", { secretId: "billing", versionId: "v1", ok: false });

    expect(JSON.parse(text)).toEqual({
      changed: true,
      versionId: "v2",
      fingerprint: fingerprintOf("FAKE-key-2"),
    });
    expect(await isServed(get, "v2")).toBe(true);
  });

  test("when it is asked for with refreshNow", async () => {
    const { get } = await serve();
    world.rotate();

    await get(`${lookUp("billing")}&refreshNow=true`);

    expect(await isServed(get, "v2")).toBe(true);
  });

  test("at SIGHUP, and reported", async () => {
    const { running } = await serve();
    world.rotate();

    running.child.kill("SIGHUP");

    await until("the report", () => world.told().includes("v2"));
    expect(world.reports().at(-1)).toMatchObject({ kind: "agent", consumer: "billing" });
  });

  test("soon after it was announced", async () => {
    const { post } = await serve();
    world.rotate();

    expect((await post("/rekey/announced", { detail: { secretArn: world.aws.arn } })).status).toBe(202);

    await until("the report", () => world.told().includes("v2"));
  });
});

test("at its end it reports that it has ended, and prints no key and no token on the way", async () => {
  const { running, get } = await serve();
  await get(lookUp("billing"));
  running.child.kill("SIGTERM");

  expect(await running.ended).toEqual({ code: 0, signal: null });
  expect(world.told()).toEqual(["v1", "stopping"]);
  const said = running.out() + running.err() + JSON.stringify(world.reports());
  expect(said).not.toContain("FAKE-key");
  expect(said).not.toContain(readFileSync(tokenPath(), "utf8"));
});

test("a secret that cannot be read fails the start, by name and with what to do", async () => {
  world.aws.faults.push({
    status: 400,
    body: { __type: "ResourceNotFoundException", message: "FAKE-key-1" },
  });
  const running = world.run(["agent", ...flags()]);

  expect((await running.ended).code).toBe(1);
  expect(running.err()).toMatch(
    /^rekey: error: the secret arn:\S+ could not be read \(.*notFound.*\)\nrekey: hint: /,
  );
  expect(running.err()).not.toContain("FAKE-key");
});

test.each([
  ["no secret", ["agent", "--consumer", "billing"], "no secret is named"],
  ["a port that is none", ["agent", "--secret", "x", "--port", "http"], "--port has to be a number"],
  ["a secret named twice", ["agent", "--secret", "x", "--secret", "x#y"], "named twice"],
  ["nothing at all", [], "say what to run"],
])("usage with %s is refused", async (_, args, message) => {
  const running = world.run(args);

  expect((await running.ended).code).toBe(2);
  expect(running.err()).toContain(message);
});

test("a value that could not be confirmed for too long is not served and not kept", async () => {
  let aheadMs = 0;
  const clock = { ...systemClock, wallMs: () => Date.now() + aheadMs };
  const events: string[] = [];
  const env = world.env();
  const agent = await startAgent(settingsFrom(flags(), env), {
    env,
    clock,
    log: ({ event }) => events.push(event),
  });
  const token = readFileSync(tokenPath(), "utf8");
  const get = () =>
    fetch(`http://127.0.0.1:${agent.port}${lookUp("billing")}`, {
      headers: { "X-Aws-Parameters-Secrets-Token": token },
    });
  try {
    aheadMs = 3 * 3_600_000;
    world.aws.faults.push(...Array.from({ length: 4 }, () => ({ status: 503, body: {} })));

    const response = await get();

    expect([response.status, await response.text()]).toEqual([503, '{"error":"KeyTooStale"}']);
    expect(events).toContain("evicted");
    world.aws.faults.length = 0;
    aheadMs += 60_000;
    const again = await get();
    expect([again.status, ((await again.json()) as { SecretString: string }).SecretString]).toEqual([
      200,
      "FAKE-key-1",
    ]);
  } finally {
    await agent.stop();
  }
});
