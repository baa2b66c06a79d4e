import { execFile, spawnSync } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { systemClock } from "../../sdk/client/clock.ts";
import type { ConsumerReport } from "../../sdk/client/index.ts";
import { startExtension } from "../../sdk/lambda-extension/extension.ts";
import { AwsStub } from "./aws-stub.ts";
import { LambdaStandIn } from "./lambda-stand-in.ts";
import { fingerprintOf } from "./world.ts";

const token = "FAKE-session-token";

let aws: AwsStub;
let lambda: LambdaStandIn;
let aheadMs: number;
let port: number;
let stopped: Promise<void>;

const start = async (env: Record<string, string> = {}): Promise<void> => {
  const clock = { ...systemClock, wallMs: () => Date.now() + aheadMs };
  const extension = await startExtension({
    clock,
    env: {
      AWS_LAMBDA_RUNTIME_API: lambda.host,
      AWS_LAMBDA_FUNCTION_NAME: "billing",
      AWS_ACCESS_KEY_ID: "AKIDFAKE",
      AWS_SECRET_ACCESS_KEY: "FAKE-secret",
      AWS_SESSION_TOKEN: token,
      AWS_ENDPOINT_URL: aws.endpoint,
      AWS_REGION: "eu-central-1",
      REKEY_SECRETS: `${aws.arn}#apiKey`,
      REKEY_REPORT_BUS: "rekey-reports-production",
      REKEY_HTTP_PORT: "0",
      ...env,
    },
  });
  ({ port, stopped } = extension);
};

const get = (query: string, headers: Record<string, string> = { "X-Aws-Parameters-Secrets-Token": token }) =>
  fetch(`http://localhost:${port}/secretsmanager/get?${query}`, { headers });

const post = (body: unknown) =>
  fetch(`http://localhost:${port}/rekey/outcome`, {
    method: "POST",
    headers: { "X-Aws-Parameters-Secrets-Token": token },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

const reports = (): ConsumerReport[] =>
  aws.calls
    .filter(({ target }) => target === "AWSEvents.PutEvents")
    .map(({ body }) => JSON.parse((body["Entries"] as [{ Detail: string }])[0].Detail) as ConsumerReport);

const rotate = (): void => {
  aws.value = JSON.stringify({ apiKey: "FAKE-key-2" });
  aws.versionId = "v2";
};

beforeEach(async () => {
  aws = await new AwsStub().start();
  aws.value = JSON.stringify({ apiKey: "FAKE-key-1" });
  lambda = await new LambdaStandIn().start();
  aheadMs = 0;
  stopped = Promise.resolve();
});

afterEach(async () => {
  await lambda.shutDown();
  await stopped;
  await aws.close();
  await lambda.close();
});

test("it registers under its file's name, reads before the first event, and ends at SHUTDOWN with a last report", async () => {
  await start();
  expect(aws.count("GetSecretValue")).toBe(1);

  await lambda.invoke();
  await lambda.shutDown();
  await stopped;

  expect(lambda.told.map(({ path }) => path.replace("/2020-01-01/extension", ""))).toEqual([
    "/register",
    "/event/next",
    "/event/next",
  ]);
  expect(lambda.told[0]).toMatchObject({ name: "rekey" });
  expect(lambda.told[1]).toMatchObject({ identifier: "id-1" });
  expect(reports().map(({ kind, consumer, cause }) => `${kind} ${consumer} ${cause}`)).toEqual([
    "extension billing started",
    "extension billing stopping",
  ]);
  await expect(get(`secretId=${aws.arn}`)).rejects.toThrow();
  lambda.shutDown = async () => {};
});

test("the answer has the shape of GetSecretValue and comes from memory", async () => {
  await start();

  for (const id of [aws.arn, "billing", aws.arn]) {
    const response = await get(`secretId=${encodeURIComponent(id)}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      ARN: aws.arn,
      Name: "billing",
      VersionId: "v1",
      SecretString: '{"apiKey":"FAKE-key-1"}',
      VersionStages: ["AWSCURRENT"],
      CreatedDate: "2025-10-09T08:53:20.500Z",
    });
  }

  expect(aws.count("GetSecretValue")).toBe(1);
});

test("a crowd that asks for a secret nobody asked for before causes one call", async () => {
  await start({ REKEY_SECRETS: "" });

  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await get("secretId=other");
      await response.text();
      return response.status;
    }),
  );

  expect(new Set(statuses)).toEqual(new Set([200]));
  expect(aws.count("GetSecretValue")).toBe(1);
  expect(reports()).toEqual([]);
});

test("another version or stage is read when it is asked for, and not kept", async () => {
  await start();

  const pending = await (await get(`secretId=${aws.arn}&versionStage=AWSPENDING`)).json();
  const old = await (await get(`secretId=${aws.arn}&versionId=v0`)).json();
  await get(`secretId=${aws.arn}&versionStage=AWSCURRENT&versionId=v1`);

  expect(pending).toMatchObject({ VersionStages: ["AWSPENDING"] });
  expect(old).toMatchObject({ VersionId: "v0" });
  expect(aws.count("GetSecretValue")).toBe(3);
});

test("a binary secret is served as it is, and not kept", async () => {
  aws.binary = Buffer.from("FAKE-bytes").toString("base64");
  await start({ REKEY_SECRETS: "" });

  expect(await (await get("secretId=other")).json()).toMatchObject({ SecretBinary: aws.binary });
});

test("a caller without the token, with a wrong one, or from another host name gets nothing", async () => {
  await start();
  const query = `secretId=${aws.arn}`;

  expect((await get(query, {})).status).toBe(401);
  expect((await get(query, { "X-Aws-Parameters-Secrets-Token": `${token}x` })).status).toBe(401);
  expect(await statusWithHost("attacker.example")).toBe(403);
  expect(await statusWithHost("127.0.0.1.attacker.example:80")).toBe(403);
  expect(await statusWithHost("127.0.0.1")).toBe(200);
});

/** `fetch` does not let a caller choose the Host header, an attacker's tool does. */
async function statusWithHost(host: string): Promise<number | undefined> {
  const { request } = await import("node:http");
  const headers = { host, "X-Aws-Parameters-Secrets-Token": token };
  return new Promise((resolve, reject) => {
    const sent = request({
      port,
      host: "127.0.0.1",
      path: `/secretsmanager/get?secretId=${aws.arn}`,
      headers,
    });
    sent.on("response", (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.on("error", reject);
    sent.end();
  });
}

test("where Lambda gave no token everybody is refused", async () => {
  await start({ AWS_SESSION_TOKEN: "" });

  expect((await get(`secretId=${aws.arn}`, { "X-Aws-Parameters-Secrets-Token": "" })).status).toBe(401);
});

test("an invocation after a long freeze reads again before the function needs it", async () => {
  await start();
  await lambda.invoke();
  rotate();
  aheadMs = 24 * 3_600_000;

  await lambda.invoke();

  expect(aws.count("GetSecretValue")).toBe(2);
  const { VersionId, SecretString } = (await (await get(`secretId=${aws.arn}`)).json()) as Record<
    string,
    string
  >;
  expect([VersionId, SecretString]).toEqual(["v2", '{"apiKey":"FAKE-key-2"}']);
});

test("past its limit a value is not served, whatever upstream does", async () => {
  await start();
  aheadMs = 24 * 3_600_000;
  aws.faults.push(...Array.from({ length: 10 }, () => ({ status: 503, body: { message: "FAKE-key-1" } })));

  const response = await get(`secretId=${aws.arn}`);

  expect(response.status).toBe(503);
  expect(await response.text()).toBe('{"error":"KeyTooStale"}');
  aws.faults.length = 0;
});

test("what was served counts as used only when the function says so", async () => {
  await start();
  await get(`secretId=${aws.arn}`);
  expect(reports().at(-1)).toMatchObject({
    kind: "extension",
    holds: { fingerprint: fingerprintOf("FAKE-key-1"), versionId: "v1" },
    uses: [],
  });

  const posted = await post({ secretId: aws.arn, versionId: "v1", ok: true });
  expect(await posted.json()).toEqual({
    changed: false,
    versionId: "v1",
    fingerprint: fingerprintOf("FAKE-key-1"),
  });
  await lambda.shutDown();
  await stopped;
  lambda.shutDown = async () => {};

  expect(reports().at(-1)?.uses).toEqual([
    {
      fingerprint: fingerprintOf("FAKE-key-1"),
      lastSuccessAgoMs: expect.any(Number),
      lastRefusalAgoMs: null,
    },
  ]);
});

test("a refusal that the function reports brings the new key within one call", async () => {
  await start();
  rotate();

  const posted = await post({ secretId: "billing", versionId: "v1", ok: false });

  expect(await posted.json()).toEqual({
    changed: true,
    versionId: "v2",
    fingerprint: fingerprintOf("FAKE-key-2"),
  });
  expect(await (await get(`secretId=${aws.arn}`)).json()).toMatchObject({ VersionId: "v2" });
  expect(aws.count("GetSecretValue")).toBe(2);
});

test.each([
  ["no JSON", "FAKE-key-1", 400],
  ["no verdict", { secretId: "billing", versionId: "v1" }, 400],
  ["no key", { secretId: "billing", ok: true }, 400],
  ["a key that was never served", { secretId: "billing", versionId: "v9", ok: false }, 404],
  ["a secret that was never served", { secretId: "other", versionId: "v1", ok: false }, 404],
  ["too much", "x".repeat(10_000), 400],
])("an outcome with %s is refused and quotes nothing", async (_, body, status) => {
  await start();

  const response = await post(body);

  expect(response.status).toBe(status);
  expect(await response.text()).not.toContain("FAKE");
});

test.each([
  ["/secretsmanager/get", 400],
  ["/secretsmanager/put?secretId=x", 404],
  ["/", 404],
])("%s is answered with %i", async (path, status) => {
  await start();

  const headers = { "X-Aws-Parameters-Secrets-Token": token };
  expect((await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status).toBe(status);
});

test("a secret that does not exist is not found, by name and without upstream's words", async () => {
  await start();

  const response = await get("secretId=absent");

  expect(response.status).toBe(404);
  expect(await response.text()).toBe('{"error":"UpstreamUnavailable","reason":"notFound"}');
});

test("a declared secret that cannot be read does not stop the function from starting", async () => {
  aws.faults.push({ status: 403, body: { __type: "AccessDeniedException" } });
  await start();

  expect((await get(`secretId=${aws.arn}`)).status).toBe(200);
});

test("invalid settings end the initialisation with an error that Lambda gets", async () => {
  await expect(start({ REKEY_HTTP_PORT: "http" })).rejects.toMatchObject({ name: "OptionInvalid" });

  expect(lambda.told.at(-1)).toMatchObject({
    path: "/2020-01-01/extension/init/error",
    identifier: "id-1",
    error: "Extension.OptionInvalid",
  });
  lambda.shutDown = async () => {};
});

const has = (command: string) => spawnSync(command, ["--version"]).status === 0;
const example = (name: string) =>
  fileURLToPath(new URL(`../../sdk/lambda-extension/examples/${name}`, import.meta.url));

/** Runs an example as Lambda would: with the sandbox's environment. */
const runExample = async (command: string, args: string[], env: Record<string, string> = {}) => {
  const sandbox = { PATH: process.env["PATH"], AWS_SESSION_TOKEN: token, REKEY_HTTP_PORT: `${port}`, ...env };
  return (await promisify(execFile)(command, args, { env: sandbox, timeout: 10_000 })).stdout;
};

/** Each needs a program that a bare machine may not have. */
(has("curl") ? test : test.skip)("the curl example looks a secret up and says that it worked", async () => {
  await start();

  const told = await runExample("sh", [example("lookup.sh"), aws.arn]);

  expect(JSON.parse(told)).toMatchObject({ changed: false, versionId: "v1" });
});

(has("python3") ? test : test.skip)("the Python example survives a rotation", async () => {
  await start();
  rotate();
  const seen: (string | undefined)[] = [];
  const provider = createServer((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(request.headers.authorization === "Bearer FAKE-key-2" ? 200 : 401).end('{"data":[]}');
  });
  await new Promise<void>((resolve) => provider.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(provider.address() as AddressInfo).port}`;
  const code = "import runpy, sys; print(runpy.run_path(sys.argv[1])['handler']({}, None))";

  try {
    const stdout = await runExample("python3", ["-c", code, example("handler.py")], {
      OPENAI_SECRET_ARN: aws.arn,
      OPENAI_BASE_URL: url,
    });

    expect(stdout).toBe("{'data': []}\n");
    expect(seen).toEqual(["Bearer FAKE-key-1", "Bearer FAKE-key-2"]);
  } finally {
    await new Promise((resolve) => provider.close(resolve));
  }
});
