import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { RotationRecord } from "../../ledger/entries.ts";
import { type Demonstration, secretName, startDemonstration } from "../../local/demonstration.ts";
import { packEach, standalonePackages } from "../../release/pack.ts";
import { gitIn, keyLike, numbersFrom } from "../scan/corpus.ts";
import {
  cjsApp,
  containerProgram,
  esmApp,
  frontEndServer,
  lambdaHandler,
  type Place,
  pythonProgram,
} from "./programs.ts";

/**
 * What a stranger does: folders with nothing but the packed tarballs in them, no checkout, no registry, and one
 * rotation while their programs run.
 */
const root = fileURLToPath(new URL("../../", import.meta.url));
const waitMaxMs = 90_000;
/** Usually half a minute; a busy machine may take several times as long, and then it is no failure. */
const rotationMaxMs = 200_000;
const python = spawnSync("python3", ["-c", "print(1)"]).status === 0;
let folder: string;
let app: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "newcomer-"));
  app = join(folder, "app");
  const tarballs = packEach(standalonePackages(), join(folder, "out")).map(({ tarball }) => tarball);
  mkdirSync(app);
  writeFileSync(join(app, "package.json"), '{ "private": true, "type": "module" }');
  execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", ...tarballs], {
    cwd: app,
    stdio: "pipe",
  });
}, 300_000);

afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Stranger {
  readonly consumer: string;
  readonly lines: readonly string[];
  readonly child: ChildProcess;
}

function started(consumer: string, argv: readonly string[], env: NodeJS.ProcessEnv): Stranger {
  const [command = "", ...args] = argv;
  const child = spawn(command, args, { cwd: app, env, stdio: ["ignore", "pipe", "inherit"] });
  const lines: string[] = [];
  let rest = "";
  child.stdout.on("data", (chunk) => {
    const parts = `${rest}${chunk}`.split("\n");
    rest = parts.pop() ?? "";
    lines.push(...parts);
  });
  return { consumer, lines, child };
}

async function ended({ child }: Stranger): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill("SIGTERM");
  await once(child, "exit");
}

async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined> | Value | undefined,
  maxMs = waitMaxMs,
): Promise<Value> {
  for (const endMs = Date.now() + maxMs; Date.now() < endMs; await pause(200)) {
    const value = await look();
    if (value !== undefined) return value;
  }
  throw new Error(`${what}: not within ${maxMs / 1_000} s`);
}

const evidenceOf: Readonly<Record<string, "client" | "agent" | "exec">> = {
  "esm-app": "client",
  "cjs-app": "client",
  "front-end": "client",
  "lambda-app": "client",
  container: "exec",
  ...(python && { "python-app": "agent" }),
};

/** The policy of the demonstration with the strangers among its consumers. */
async function declare(company: Demonstration): Promise<void> {
  const before = readFileSync(company.policyFile, "utf8").trimEnd();
  const roles = /roles: \[[^\]]+\]/.exec(before)?.[0];
  const rows = Object.entries(evidenceOf).map(
    ([name, evidence]) => `      - { name: ${name}, evidence: [${evidence}], maxStale: 20s, ${roles} }`,
  );
  const file = join(folder, "rekey.yml");
  writeFileSync(file, [before, ...rows, ""].join("\n"));
  await company.rekey("apply", file);
}

async function startStrangers(place: Place, cloud: Demonstration["cloud"]): Promise<readonly Stranger[]> {
  // Each signs as itself: a report counts only from the consumer that it names.
  const envOf = (name: string) => ({ PATH: process.env["PATH"], HOME: folder, ...cloud.consumerEnv(name) });
  const file = (name: string, text: string) => {
    writeFileSync(join(app, name), text);
    return name;
  };
  // Middy is the stranger's own; the registry is not asked for it.
  cpSync(join(root, "node_modules/@middy"), join(app, "node_modules/@middy"), { recursive: true });
  file("server.mjs", frontEndServer(place));
  await build({
    ...{ entryPoints: [join(app, "server.mjs")], outfile: join(app, "dist/server.cjs") },
    ...{ bundle: true, minify: true, platform: "node", format: "cjs", logLevel: "error" },
  });
  const node = process.execPath;
  const host = [node, join(app, "node_modules/rekey-host/dist/rekey-host.mjs")];
  const common = [
    "--secret",
    `${place.secretArn}#apiKey`,
    "--report-bus",
    "rekey-reports-production",
    "--refresh",
    "1s",
  ];
  const exec = [
    ...host,
    "exec",
    ...common,
    "--consumer",
    "container",
    "--environment",
    "production",
    "--ready",
    "exec:true",
  ];
  const strangers = [
    started("esm-app", [node, file("app.mjs", esmApp(place))], envOf("esm-app")),
    started("cjs-app", [node, file("app.cjs", cjsApp(place))], envOf("cjs-app")),
    started("front-end", [node, "dist/server.cjs"], envOf("front-end")),
    started("lambda-app", [node, file("handler.mjs", lambdaHandler(place))], {
      ...envOf("lambda-app"),
      AWS_LAMBDA_FUNCTION_NAME: "lambda-app",
    }),
    started(
      "container",
      [...exec, "--spread", "1s", "--", node, file("loop.mjs", containerProgram(place))],
      envOf("container"),
    ),
  ];
  if (!python) return strangers;
  const token = join(folder, "token");
  const agent = started(
    "agent",
    [...host, "agent", ...common, "--consumer", "python-app", "--port", "0", "--token-file", token],
    envOf("python-app"),
  );
  const port = await until("the agent", () => /"port":(\d+)/.exec(agent.lines.join("\n"))?.[1]);
  cpSync(join(root, "examples/agent/python/rekey_agent.py"), join(app, "rekey_agent.py"));
  const beside = {
    ...envOf("python-app"),
    REKEY_HTTP_PORT: port,
    REKEY_TOKEN_FILE: token,
    PYTHONDONTWRITEBYTECODE: "1",
  };
  return [
    ...strangers,
    started("python-app", ["python3", file("main.py", pythonProgram(place))], beside),
    agent,
  ];
}

async function allHeard({ ledger, secretArn }: Demonstration): Promise<true | undefined> {
  const evidence = await ledger.evidence(secretArn);
  const heard = new Set(evidence.flatMap((item) => ("consumer" in item ? [item.consumer] : [])));
  return Object.keys(evidenceOf).every((name) => heard.has(name)) ? true : undefined;
}

async function finished({ ledger, secretArn }: Demonstration): Promise<RotationRecord | undefined> {
  const [rotation] = await ledger.rotations(secretArn);
  return rotation === undefined || rotation.outcome === "running" ? undefined : rotation;
}

test("one rotation under the traffic of six strangers' programs fails no request", async () => {
  const company = await startDemonstration({ pace: 4 });
  let strangers: readonly Stranger[] = [];
  try {
    await declare(company);
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(readFileSync(company.policyFile, "utf8"))?.[0];
    const { path, header, scheme } = company.provider.consumer;
    const place = { secretArn: company.secretArn, url: `${origin}${path}`, header, scheme };
    strangers = await startStrangers(place, company.cloud);
    await until("a report of every program", () => allHeard(company));
    await company.rekey("rotate", secretName, "--reason", "newcomers");
    const { outcome } = await until("the rotation's end", () => finished(company), rotationMaxMs);
    await pause(2_000);

    expect(outcome).toBe("rotated");
    for (const { consumer, lines } of strangers.filter((each) => each.consumer !== "agent")) {
      const asked = lines.filter((line) => /^(?:ok|failed)\b/.test(line));
      expect([consumer, asked.filter((line) => line !== "ok")]).toEqual([consumer, []]);
      expect([consumer, asked.length > 20]).toEqual([consumer, true]);
    }
  } finally {
    await Promise.all(strangers.map(ended));
    await company.close();
  }
}, 420_000);

test("the gate stops a commit with a key, and lets it pass without", () => {
  const repository = join(folder, "repository");
  mkdirSync(repository);
  gitIn(repository, "init", "-q", "-b", "main");
  const key = keyLike(
    { prefix: "sk-proj-", alphabet: "letters", length: { min: 48, max: 48 } },
    numbersFrom(Date.now()),
  );
  writeFileSync(join(repository, "app.ts"), `const client = new OpenAI({ apiKey: "${key}" });\n`);
  gitIn(repository, "add", ".");
  const rekey = (...args: readonly string[]) =>
    spawnSync(join(app, "node_modules/.bin/rekey"), args, {
      cwd: repository,
      encoding: "utf8",
      env: { PATH: process.env["PATH"], HOME: folder },
    });

  const stopped = rekey("scan", "--staged");
  expect([stopped.status, stopped.stderr]).toEqual([1, ""]);
  expect(stopped.stdout).toContain("app.ts:1:38  provider-key  a key of OpenAI");
  expect(stopped.stdout).not.toContain(key);

  writeFileSync(join(repository, "app.ts"), "const client = new OpenAI({ apiKey: () => key.value() });\n");
  gitIn(repository, "add", ".");
  expect(rekey("scan", "--staged").status).toBe(0);
});
