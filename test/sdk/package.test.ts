import { execFile } from "node:child_process";
import { cp, mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { buildLayer } from "../../sdk/lambda-extension/build.ts";
import { AwsStub } from "./aws-stub.ts";

const run = promisify(execFile);
const sdk = fileURLToPath(new URL("../../sdk/", import.meta.url));

let folder: string;
let bundle: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "rekey-"));
  bundle = join(folder, "client.mjs");
  const entryPoints = [join(sdk, "client/index.ts")];
  await build({ entryPoints, outfile: bundle, bundle: true, minify: true, platform: "node", format: "esm" });
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

/** Runs a program of its own, as a consumer's process would. */
const script = async (source: string, env: Record<string, string> = {}) => {
  const options = { env: { PATH: process.env["PATH"], ...env }, timeout: 10_000 };
  const { stdout, stderr } = await run(process.execPath, ["--input-type=module", "-e", source], options);
  return { stdout, stderr };
};

test("the bundle is smaller than 16 KB and imports nothing but Node", async () => {
  expect((await stat(bundle)).size).toBeLessThan(16 * 1024);

  const source = await readFile(bundle, "utf8");
  expect([...source.matchAll(/\bfrom"([^"]+)"|\bimport"([^"]+)"/g)]).toEqual([]);
});

/** 5 ms on a quiet machine; the bound here only catches a dependency that slipped in. */
test("importing the bundle takes milliseconds", async () => {
  const { stdout } = await script(
    `const t = performance.now(); await import(${JSON.stringify(pathToFileURL(bundle))}); console.log(performance.now() - t)`,
  );

  expect(Number(stdout)).toBeLessThan(60);
});

test("a process that only holds a key makes two calls, rejects nothing and exits by itself", async () => {
  const stub = await new AwsStub().start();
  try {
    const { stdout, stderr } = await script(
      `
      process.on("unhandledRejection", (reason) => console.error("unhandled", reason));
      process.on("exit", (code) => console.log("exit", code));
      const { createRekey } = await import(${JSON.stringify(pathToFileURL(bundle))});
      const rekey = createRekey({ consumer: "billing", environment: "production", reportBus: "reports" });
      const key = await rekey.open({ secret: ${JSON.stringify(stub.arn)} });
      console.log(key.get().length);
      `,
      {
        AWS_ENDPOINT_URL: stub.endpoint,
        AWS_REGION: "eu-central-1",
        AWS_ACCESS_KEY_ID: "AKIDFAKE",
        AWS_SECRET_ACCESS_KEY: "FAKE-secret",
      },
    );

    expect(stdout).toBe("10\nexit 0\n");
    expect(stderr).toBe("");
    expect(stub.calls.map(({ target }) => target)).toEqual([
      "secretsmanager.GetSecretValue",
      "AWSEvents.PutEvents",
    ]);
  } finally {
    await stub.close();
  }
});

test("a process whose upstream is down at the end has no unhandled rejection either", async () => {
  const { stdout, stderr } = await script(
    `
    process.on("unhandledRejection", (reason) => console.error("unhandled", reason));
    const { createRekey } = await import(${JSON.stringify(pathToFileURL(bundle))});
    const transport = async () => { throw new Error("down"); };
    const rekey = createRekey({ consumer: "billing", environment: "production", reportBus: "reports", transport });
    await rekey.open({ secret: "billing" }).catch((error) => console.log(error.name));
    await rekey.close();
    `,
  );

  expect({ stdout, stderr }).toEqual({ stdout: "UpstreamUnavailable\n", stderr: "" });
});

test("the client imports nothing from outside its folder", async () => {
  const { metafile } = await build({
    entryPoints: [join(sdk, "client/index.ts"), join(sdk, "client/middy.ts")],
    bundle: true,
    platform: "node",
    format: "esm",
    write: false,
    metafile: true,
    outdir: folder,
  });

  const inputs = Object.keys(metafile.inputs);
  expect(inputs.filter((path) => !path.startsWith("sdk/client/"))).toEqual([]);
});

test("the layer is a script that Lambda can start and one small file", async () => {
  const out = join(folder, "layer");
  const files = await buildLayer({ out });

  expect(files.map((file) => file.slice(out.length))).toEqual(["/extensions/rekey", "/rekey/extension.mjs"]);
  expect((await stat(join(out, "extensions/rekey"))).mode & 0o111).toBe(0o111);
  expect((await stat(join(out, "rekey/extension.mjs"))).size).toBeLessThan(40 * 1024);
});

test("the layer's program ends with an error when there is no Extensions API", async () => {
  const out = join(folder, "layer-alone");
  await buildLayer({ out });
  await cp(join(out, "rekey/extension.mjs"), join(folder, "alone.mjs"));

  const failure = await run(process.execPath, [join(folder, "alone.mjs")], {
    env: { AWS_LAMBDA_RUNTIME_API: "127.0.0.1:9" },
    timeout: 10_000,
  }).catch((error: { code: number; stdout: string }) => error);

  expect(failure).toMatchObject({ code: 1, stdout: '{"event":"extensionFailed","error":"Error"}\n' });
});
