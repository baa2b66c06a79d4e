import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, posix } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { type Bundle, bundleFunctions } from "../../build.ts";
import type { ProviderUnavailable as ErrorClass } from "../../core/errors.ts";
import type { Secret as SecretClass } from "../../core/secret.ts";
import { issuers } from "../../providers/index.ts";
import { providers } from "../../providers/kinds.ts";
import type { ProviderAdapter, ProviderKind } from "../../providers/provider.ts";
import { handlerNames } from "../../serverless/handlers.ts";
import { libraryTrims } from "../../serverless/library-trims.ts";

/** Of all that a function loads before it can take its first event. */
const loadedKiB = { median: 320, most: 500 };

const folder = mkdtempSync(join(tmpdir(), "rekey-bundles-"));
let bundles: readonly Bundle[];

beforeAll(async () => {
  bundles = await bundleFunctions(folder);
}, 60_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function bundleNamed(name: string): Bundle {
  const found = bundles.find((bundle) => bundle.name === name);
  if (found === undefined) throw new Error(`there is no bundle of ${name}`);
  return found;
}

const textOf = ({ files }: Bundle) =>
  files.map((path) => readFileSync(join(folder, path), "utf8")).join("\n");
const load = async (path: string) => import(pathToFileURL(join(folder, path)).href);

test("half of the functions load little before their first event, and none loads much", () => {
  const sizes = bundles.map(({ bytes }) => bytes / 1024).sort((one, other) => one - other);
  expect(sizes).toHaveLength(handlerNames().length);
  expect(sizes[Math.floor(sizes.length / 2)]).toBeLessThanOrEqual(loadedKiB.median);
  expect(sizes.at(-1)).toBeLessThanOrEqual(loadedKiB.most);
});

test("a trimmed library finds the partition of every Region, of a new one and of an unknown one as before", async () => {
  const library = "./node_modules/@aws-sdk/core/dist-es/submodules/client/util-endpoints/lib/aws";
  const contents = ["partition", "partitions"]
    .map((file) => `export * from "${library}/${file}.js";`)
    .join("");
  const built = async (name: string, plugins: readonly Plugin[]) => {
    const stdin = { contents, resolveDir: new URL("../../", import.meta.url).pathname };
    await build({ stdin, bundle: true, format: "esm", outfile: join(folder, name), plugins: [...plugins] });
    return load(name);
  };
  const [whole, trimmed] = [await built("whole.mjs", []), await built("trimmed.mjs", libraryTrims)];
  const parts: { regions: object }[] = whole.partitionsInfo.partitions;
  const listed = parts.flatMap(({ regions }) => Object.keys(regions));

  expect(listed.length).toBeGreaterThan(40);
  expect(JSON.stringify(trimmed.partitionsInfo).length).toBeLessThan(3_000);
  for (const region of [...listed, "eu-north-7", "us-gov-south-1", "cn-west-3", "nowhere"]) {
    const { description, ...facts } = whole.partition(region);
    expect([region, trimmed.partition(region)]).toEqual([region, facts]);
  }
});

test("no function loads a provider's statement or adapter before a policy names it", () => {
  for (const bundle of bundles) {
    const early = bundle.files.filter((path) => path.startsWith("providers/"));
    expect([bundle.name, early]).toEqual([bundle.name, []]);
  }
  expect(textOf(bundleNamed("mint-key"))).not.toContain("/v1/service-accounts/");
});

test("a package holds all that its function can load, and nothing of other functions", () => {
  const imported = /(?:from|import|import\()\s*"(\.\.?\/[^"]+)"/g;
  for (const { name, files, reach } of bundles) {
    const named = reach.flatMap((path) =>
      [...readFileSync(join(folder, path), "utf8").matchAll(imported)].map(([, to = ""]) =>
        posix.join(posix.dirname(path), to),
      ),
    );
    expect([name, named.filter((path) => !reach.includes(path))]).toEqual([name, []]);
    expect([name, files.filter((path) => !reach.includes(path))]).toEqual([name, []]);
    const others = handlerNames().filter((other) => other !== name && reach.includes(`${other}.mjs`));
    expect([name, others]).toEqual([name, []]);
  }
  const kinds = Object.keys(providers).map((kind) => `providers/statements/${kind}.mjs`);
  expect(bundleNamed("mint-key").reach).toEqual(expect.arrayContaining([...kinds, "providers/openai.mjs"]));
});

test("no file needs `require`, which a module of a function does not have", () => {
  const needing = bundles.flatMap(({ name, reach }) =>
    reach
      .filter((path) => readFileSync(join(folder, path), "utf8").includes("Dynamic require of"))
      .map((path) => `${name}: ${path}`),
  );
  expect(needing).toEqual([]);
});

test("a change of one shared file leaves the packages of most functions as they are", () => {
  const shared = new Set(bundles.flatMap(({ reach }) => reach.filter((path) => path.startsWith("shared/"))));
  const users = [...shared].map((path) => bundles.filter(({ reach }) => reach.includes(path)).length);
  const everywhere = users.filter((count) => count === bundles.length);
  expect(everywhere.length).toBeLessThan(shared.size / 2);
});

test("another provider makes most functions no larger", () => {
  const issuer = issuers.find(({ kind }) => kind === "elevenlabs");
  const tellingApart = bundles.filter((bundle) => textOf(bundle).includes(JSON.stringify(issuer?.title)));
  expect(tellingApart.map(({ name }) => name)).toContain("intake");
  expect(tellingApart.length).toBeLessThan(bundles.length / 2);
});

test("another provider is at most what tells its keys from those of others", () => {
  for (const { kind, title, aliases, keyTexts, byHand } of issuers) {
    const bytes = JSON.stringify({ kind, title, aliases, keyTexts, byHand }).length;
    expect([kind, bytes < 800]).toEqual([kind, true]);
  }
});

test("a function that writes fingerprints knows whose keys people choose", () => {
  for (const name of ["index-secrets", "open-rotation", "admin"])
    expect([name, textOf(bundleNamed(name)).match(/areChosen:(?:!0|true)/) !== null]).toEqual([name, true]);
});

test("each provider's statement is found once a policy names it, and is the one of the source", async () => {
  const registry = textOf(bundleNamed("mint-key")).match(/providers\/statements\//g);
  expect(registry).not.toBeNull();
  for (const [kind, statement] of Object.entries(providers)) {
    const exported = Object.values(await load(`providers/statements/${kind}.mjs`)) as ProviderKind[];
    const found = exported.find((each) => each.kind === kind && "adapter" in each);
    const hosts = (of: ProviderKind | undefined) => JSON.stringify(of?.defaultHosts);
    expect([kind, hosts(found)]).toEqual([kind, hosts(statement)]);
    expect([kind, found?.docs]).toEqual([kind, statement.docs]);
  }
});

test("an adapter knows the very errors and secrets of the functions", async () => {
  const { connect } = (await load("providers/openai.mjs")) as ProviderAdapter;
  const classes = await classesLoadedBy("mint-key");
  const Secret = classes.find(({ prototype }) => "reveal" in prototype) as typeof SecretClass;
  const failures = classes.filter(({ prototype }) => prototype instanceof Error) as (typeof ErrorClass)[];
  const unavailable = failures.map((Failure) => new Failure("FAKE")).find(isUnavailable);
  const calls = connect({
    settings: {
      adminCredential: `arn:aws:secretsmanager:eu-central-1:000000000000:secret:a-AbCdEf`,
      project: "proj_FAKE",
    },
    admin: { get: async () => new Secret("sk-admin-FAKE"), refused: () => undefined },
    http: { send: () => Promise.reject(unavailable) },
  });

  await expect(calls.list()).rejects.toBe(unavailable);
  expect(await calls.verify(new Secret("sk-FAKE"))).toBe("inconclusive");
});

const isUnavailable = ({ name }: Error) => name === "ProviderUnavailable";

/** All that the files of a function export and that `new` could make. */
async function classesLoadedBy(name: string): Promise<readonly { readonly prototype: object }[]> {
  const files = bundleNamed(name).files.filter((path) => path.startsWith("shared/"));
  const modules: readonly object[] = await Promise.all(files.map(load));
  const exported: readonly { readonly prototype: object }[] = modules.flatMap((module) =>
    Object.values(module),
  );
  return exported.filter(isClass);
}

function isClass(value: unknown): value is { readonly prototype: object } {
  return typeof value === "function" && typeof value.prototype === "object" && value.prototype !== null;
}
