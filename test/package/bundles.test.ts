import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { bundleAdapters, bundleHandlers } from "../../build.ts";
import { issuers } from "../../providers/index.ts";
import type { ProviderAdapter } from "../../providers/provider.ts";

const folder = mkdtempSync(join(tmpdir(), "rekey-bundles-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a function's bundle holds no provider: their statements and adapters stand beside it", async () => {
  const outdir = join(folder, "functions");
  await bundleHandlers({ outdir, names: ["mint-key"] });
  await bundleAdapters(join(outdir, "providers"));

  const text = readFileSync(join(outdir, "mint-key.mjs"), "utf8");
  expect(text).toContain('"./providers/registry.mjs"');
  for (const { kind } of issuers) expect(text).not.toContain(`kind:"${kind}"`);
  const { providers } = await import(pathToFileURL(join(outdir, "providers", "registry.mjs")).href);
  expect(Object.keys(providers).length).toBeGreaterThan(5);
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
