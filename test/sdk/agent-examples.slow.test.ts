import { execFile, spawn, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { parse } from "yaml";
import { agentOptions } from "../../sdk/agent/settings.ts";
import type { Option } from "../../sdk/host/arguments.ts";
import { bundleOnce, HostWorld, until } from "./host-world.ts";

const run = promisify(execFile);
const examples = fileURLToPath(new URL("../../examples/agent/", import.meta.url));
const deploy = fileURLToPath(new URL("../../sdk/agent/deploy/", import.meta.url));
const has = (command: string, flag: string) => spawnSync(command, [flag]).status === 0;

let built: Awaited<ReturnType<typeof bundleOnce>>;
let world: HostWorld;
let port: string;
let providerUrl: string;
let alive: string;
const provider = createServer((request, response) => {
  const isAccepted = request.headers.authorization === `Bearer ${alive}`;
  response.writeHead(isAccepted ? 200 : 401).end("answer");
});

beforeAll(async () => {
  built = await bundleOnce();
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  providerUrl = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
});

afterAll(async () => {
  await built.remove();
  await new Promise((resolve) => provider.close(resolve));
});

beforeEach(async () => {
  alive = "FAKE-key-1";
  world = await HostWorld.create(built.bundle);
  const token = join(world.folder, "token");
  const agent = world.run(["agent", "--secret", world.aws.arn, "--port", "0", "--token-file", token]);
  port = await until("the agent", () => /"port":(\d+)/.exec(agent.out())?.[1]);
});

afterEach(async () => {
  await world.close();
});

const env = () => ({
  PATH: process.env["PATH"] ?? "",
  HOME: world.folder,
  GOFLAGS: "-mod=mod",
  GOTOOLCHAIN: "local",
  GOPROXY: "off",
  PYTHONDONTWRITEBYTECODE: "1",
  REKEY_HTTP_PORT: port,
  REKEY_TOKEN_FILE: join(world.folder, "token"),
  OPENAI_SECRET: world.aws.arn,
  OPENAI_BASE_URL: providerUrl,
});

/** Uses the key once, lets the provider revoke it, and uses it again: the program itself is never restarted. */
async function survivesRotation(command: string, args: readonly string[]): Promise<void> {
  const program = spawn(command, args, { env: env(), stdio: ["pipe", "pipe", "inherit"] });
  let out = "";
  program.stdout.on("data", (text) => {
    out += String(text);
  });
  program.stdin.write("\n");
  await until("the first answer", () => out.includes("answer v1"), 60_000);
  world.rotate();
  alive = "FAKE-key-2";
  program.stdin.end("\n");
  expect(await new Promise((resolve) => program.once("exit", resolve))).toBe(0);
  expect(out).toBe("answer v1\nanswer v2\n");
  const used = () => world.reports().find(({ uses }) => uses.some((use) => use.lastRefusalAgoMs !== null));
  expect(await until("the refusal in a report", used)).toMatchObject({ kind: "agent" });
}

/** Each needs a program that a bare machine may not have; .ci/run installs both. */
(has("python3", "--version") ? test : test.skip)("the Python program survives a rotation", async () => {
  await survivesRotation("python3", [join(examples, "python/main.py")]);
});

(has("go", "version") ? test : test.skip)(
  "the Go program survives a rotation",
  async () => {
    const binary = join(world.folder, "program");
    await run("go", ["build", "-o", binary, "."], {
      cwd: join(examples, "go"),
      env: env(),
      timeout: 120_000,
    });
    await survivesRotation(binary, []);
  },
  180_000,
);

/** Classes that read their key where the SDKs do: openai 3.3.1 `_prepare_options`, anthropic 0.121.0 `auth_headers`. */
const likeTheSdks = `
class OpenAI:
    def __init__(self, api_key, **options):
        self.api_key = ""
        self.provider = api_key if callable(api_key) else None

    def request(self):
        if self.provider:
            self.api_key = self.provider()
        return {"Authorization": "Bearer " + self.api_key}


class Anthropic:
    def __init__(self, api_key, **options):
        self.api_key = api_key

    def request(self):
        return {"X-Api-Key": self.api_key}
`;

(has("python3", "--version") ? test : test.skip)(
  "the OpenAI and Anthropic SDKs get the key of the moment",
  async () => {
    const code = `
import sys
${likeTheSdks}
from sdks import openai_client, anthropic_client
openai = openai_client("billing", client_class=OpenAI)
anthropic = anthropic_client("billing", client_class=Anthropic)
for _ in sys.stdin:
    print(openai.request(), anthropic.request(), flush=True)
`;
    const program = spawn("python3", ["-c", code], {
      env: { ...env(), PYTHONPATH: join(examples, "python") },
      stdio: ["pipe", "pipe", "inherit"],
    });
    let out = "";
    program.stdout.on("data", (text) => {
      out += String(text);
    });
    program.stdin.write("\n");
    await until("the first request", () => out.includes("\n"), 60_000);
    world.rotate();
    const token = readFileSync(join(world.folder, "token"), "utf8");
    await fetch(`http://127.0.0.1:${port}/secretsmanager/get?secretId=billing&refreshNow=true`, {
      headers: { "X-Vault-Token": token },
    });
    program.stdin.end("\n");
    await new Promise((resolve) => program.once("exit", resolve));

    const sent = (key: string) => `{'Authorization': 'Bearer ${key}'} {'X-Api-Key': '${key}'}`;
    expect(out).toBe(`${sent("FAKE-key-1")}\n${sent("FAKE-key-2")}\n`);
  },
);

test("the sidecar's pod shares a user and a token in memory, and probes the agent where it listens", () => {
  const { spec } = parse(readFileSync(join(deploy, "kubernetes.yml"), "utf8"));
  const [agent] = spec.initContainers;

  expect(agent.restartPolicy).toBe("Always");
  expect(agent.startupProbe.exec.command.join(" ")).toContain("127.0.0.1:2773/ping");
  expect(spec.securityContext.runAsUser).toBeGreaterThan(0);
  expect([agent, ...spec.containers].map(({ securityContext }) => securityContext?.runAsUser)).toEqual([
    undefined,
    undefined,
  ]);
  expect(spec.volumes[0].emptyDir.medium).toBe("Memory");
});

describe("what an agent is started with", () => {
  const textOf = (name: string) => readFileSync(join(deploy, name), "utf8");
  const known = Object.values<Option>(agentOptions).flatMap(({ variable }) => variable ?? []);

  test.each(["rekey-agent.service", "Dockerfile", "kubernetes.yml"])("in %s it knows", (name) => {
    const named = textOf(name).match(/\bREKEY_[A-Z_]+\b/g) ?? [];
    expect(named).toContain("REKEY_TOKEN_FILE");
    expect(named.filter((variable) => !known.includes(variable))).toEqual([]);
  });

  test("by systemd and in the image is the same program, at the place that both say", () => {
    const path = "/usr/local/lib/rekey/rekey.mjs";
    expect(textOf("rekey-agent.service")).toContain(`ExecStart=/usr/bin/node ${path} agent\n`);
    expect(textOf("Dockerfile")).toContain(`COPY rekey.mjs ${path}\n`);
    expect(textOf("Dockerfile")).toContain(`ENTRYPOINT ["node", "${path}", "agent"]`);
  });

  (has("systemd-analyze", "--version") ? test : test.skip)("by systemd is a unit that it takes", () => {
    const path = join(world.folder, "rekey-agent.service");
    writeFileSync(path, textOf("rekey-agent.service").replace("/usr/bin/node", process.execPath));
    const { status, stdout, stderr } = spawnSync("systemd-analyze", ["verify", path], { encoding: "utf8" });
    // It speaks of other units, and of a machine that systemd did not start, too.
    const said = `${stdout}${stderr}`.split("\n").filter((line) => line.includes("rekey-agent.service"));
    expect({ status, said }).toEqual({ status: 0, said: [] });
  });
});
