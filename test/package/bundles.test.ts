import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Plugin } from "esbuild";
import { bundleAdapters, bundleHandlers } from "../../build.ts";
import type { ProviderAdapter } from "../../providers/provider.ts";

const folder = mkdtempSync(join(tmpdir(), "rekey-bundles-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A statement as the largest ones are, with an adapter behind it that weighs more than any real one. */
const statementBytes = 2_000;
const adapterBytes = 500_000;

/** The registry with one more provider in it. */
const oneMoreProvider: Plugin = {
  name: "one-more-provider",
  setup(bundler) {
    bundler.onLoad({ filter: /\/providers\/index\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: readFileSync(path, "utf8")
        .replace(
          'from "./openai/index.ts";',
          'from "./openai/index.ts";\nimport { acme } from "./acme/index.ts";',
        )
        .replace("\n  openai,\n", "\n  openai,\n  acme,\n"),
    }));
    bundler.onResolve({ filter: /^\.\/acme\/index\.ts$/ }, ({ resolveDir }) => ({
      path: `${resolveDir}/acme/index.ts`,
      namespace: "acme",
    }));
    bundler.onLoad({ filter: /index\.ts$/, namespace: "acme" }, ({ path }) => ({
      loader: "ts",
      resolveDir: path.replace(/\/index\.ts$/, ""),
      contents: `export const acme = { kind: "acme", docs: ${JSON.stringify("x".repeat(statementBytes))},
        adapter: () => import("./adapter.ts") };`,
    }));
    bundler.onLoad({ filter: /acme\/adapter\.ts$/ }, () => ({
      loader: "ts",
      contents: `export const connect = ${JSON.stringify("y".repeat(adapterBytes))};`,
    }));
  },
};

test("one more provider adds its statement to a function's bundle, and nothing of its adapter", async () => {
  const names = ["mint-key"];
  const [before] = await bundleHandlers({ outdir: join(folder, "before"), names });
  const plugins = [oneMoreProvider];
  const [after] = await bundleHandlers({ outdir: join(folder, "after"), names, plugins });

  const text = readFileSync(join(folder, "after/mint-key.mjs"), "utf8");
  expect(text).toContain('import("./providers/acme.mjs")');
  const growth = (after?.bytes ?? 0) - (before?.bytes ?? 0);
  expect(growth).toBeGreaterThan(statementBytes);
  expect(growth).toBeLessThan(statementBytes + 500);
});

test("an adapter's file throws the very errors that functions know", async () => {
  const outdir = join(folder, "providers");
  await bundleAdapters(outdir);
  const load = async (name: string) => import(pathToFileURL(join(outdir, `${name}.mjs`)).href);
  const { connect } = (await load("openai")) as ProviderAdapter;
  const { ProviderUnavailable } = await load("errors");
  const { Secret } = await load("secret");
  const calls = connect({
    settings: {
      adminCredential: `arn:aws:secretsmanager:eu-central-1:000000000000:secret:a-AbCdEf`,
      project: "proj_FAKE",
    },
    admin: { get: async () => new Secret("sk-admin-FAKE"), refused: () => undefined },
    http: { send: () => Promise.reject(new ProviderUnavailable("nobody answers")) },
  });

  await expect(calls.list()).rejects.toBeInstanceOf(ProviderUnavailable);
  expect(await calls.verify(new Secret("sk-FAKE"))).toBe("inconclusive");
});
