import { readdirSync, readFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Plugin } from "esbuild";
import { handlerFiles } from "./serverless/handlers.ts";

export interface Bundle {
  readonly name: string;
  readonly bytes: number;
}

const root = fileURLToPath(new URL(".", import.meta.url));

/** A function's credentials are in its environment: the nine other places to look are 120 KB in each bundle. */
const credentialsFromEnvironment: Plugin = {
  name: "credentials-from-environment",
  setup(bundler) {
    bundler.onLoad({ filter: /@aws-sdk\/credential-provider-node\/dist-es\/index\.js$/ }, ({ path }) => ({
      contents: 'export { fromEnv as defaultProvider } from "@aws-sdk/credential-provider-env";',
      resolveDir: dirname(path),
    }));
  },
};

/** A client tells AWS its version; the rest of its package.json is 2 KB in each bundle, for each client. */
const onlyVersions: Plugin = {
  name: "only-versions",
  setup(bundler) {
    bundler.onLoad({ filter: /@aws-sdk\/[\w-]+\/package\.json$/ }, ({ path }) => {
      const { name, version } = JSON.parse(readFileSync(path, "utf8"));
      return { contents: JSON.stringify({ name, version }), loader: "json" };
    });
  },
};

/** No function makes a JSON Schema of its input: what zod keeps for that is 18 KB in each bundle. */
const withoutJsonSchema: Plugin = {
  name: "without-json-schema",
  setup(bundler) {
    bundler.onLoad(
      { filter: /zod\/v4\/core\/(?:json-schema-processors|to-json-schema)\.js$/ },
      ({ path }) => {
        const names = [...readFileSync(path, "utf8").matchAll(/^export (?:const|function|class) (\w+)/gm)];
        const absent = 'const absent = () => { throw new Error("a function makes no JSON Schema"); };';
        return {
          contents: [absent, ...names.map(([, name]) => `export const ${name} = () => absent;`)].join("\n"),
        };
      },
    );
  },
};

/**
 * Each a file of its own beside the functions. Functions and adapters tell values apart by the classes of the first two
 * (`instanceof`): two copies would make an adapter's error a stranger to the function that catches it. The registry
 * holds the statement of every provider, so that no function grows with their number.
 */
const sharedModules = {
  errors: "core/errors.ts",
  secret: "core/secret.ts",
  registry: "providers/index.ts",
} as const;

/** Leaves the adapters and the shared classes out of a function's bundle: it finds them in files beside it. */
const besideFunctions: Plugin = {
  name: "beside-functions",
  setup(bundler) {
    bundler.onResolve({ filter: /^\.\/adapter\.ts$/ }, ({ resolveDir }) => ({
      path: `./providers/${basename(resolveDir)}.mjs`,
      external: true,
    }));
    bundler.onResolve({ filter: /(?:^|\/)(?:errors|secret|index)\.ts$/ }, ({ path, resolveDir }) => {
      const file = fileURLToPath(new URL(path, `file://${resolveDir}/`));
      const [out] = Object.entries(sharedModules).find(([, module]) => file === `${root}${module}`) ?? [];
      return out === undefined ? undefined : { path: `./providers/${out}.mjs`, external: true };
    });
  },
};

const options = {
  absWorkingDir: root,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  format: "esm",
  platform: "node",
  target: "node24",
  minify: true,
  legalComments: "none",
  // The SDK's CommonJS entry points, which "main" names, cannot be shaken.
  mainFields: ["module", "main"],
  // For Node it only offers CommonJS; this is the same code as modules.
  alias: { yaml: "./node_modules/yaml/browser/index.js" },
  // Some CommonJS dependencies still call require for Node's own modules.
  banner: {
    js: 'import{createRequire as requireFrom}from"node:module";const require=requireFrom(import.meta.url);',
  },
  metafile: true,
  logLevel: "warning",
} as const satisfies BuildOptions;

/**
 * In dist/: one file per function, and in providers/ one per adapter, which a function loads when a policy names it. A
 * function's package holds its own file and all of providers/.
 */
export async function bundleFunctions(outdir = `${root}dist`): Promise<readonly Bundle[]> {
  await rm(outdir, { recursive: true, force: true });
  await bundleAdapters(`${outdir}/providers`);
  return bundleHandlers({ outdir });
}

/** `plugins` come first; `names` are all of them by default. */
export async function bundleHandlers(request: {
  readonly outdir: string;
  readonly names?: readonly string[];
  readonly plugins?: readonly Plugin[];
}): Promise<readonly Bundle[]> {
  const { outdir, names, plugins = [] } = request;
  const handlers = [...handlerFiles()].filter(([name]) => names?.includes(name) ?? true);
  const { metafile } = await build({
    ...options,
    entryPoints: handlers.map(([out, file]) => ({ in: `functions/${file}`, out })),
    outdir,
    plugins: [...plugins, besideFunctions, credentialsFromEnvironment, withoutJsonSchema, onlyVersions],
  });
  return bundlesIn(metafile.outputs);
}

/** What several adapters need stands in chunks that they share. */
export async function bundleAdapters(outdir: string): Promise<readonly Bundle[]> {
  const folders = readdirSync(`${root}providers`, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  const adapters = folders
    .map(({ name }) => name)
    .filter((name) => readdirSync(`${root}providers/${name}`).includes("adapter.ts"));
  const { metafile } = await build({
    ...options,
    entryPoints: [
      ...Object.entries(sharedModules).map(([out, module]) => ({ in: module, out })),
      ...adapters.map((name) => ({ in: `providers/${name}/adapter.ts`, out: name })),
    ],
    outdir,
    splitting: true,
    plugins: [credentialsFromEnvironment, withoutJsonSchema, onlyVersions],
  });
  return bundlesIn(metafile.outputs);
}

function bundlesIn(outputs: Readonly<Record<string, { readonly bytes: number }>>): readonly Bundle[] {
  return Object.entries(outputs).map(([path, { bytes }]) => ({ name: basename(path, ".mjs"), bytes }));
}

if (import.meta.main) {
  const startedAt = performance.now();
  const bundles = await bundleFunctions();
  for (const { name, bytes } of bundles) {
    console.error(`${name.padEnd(20)} ${Math.round(bytes / 1000)} KB`);
  }
  console.error(`${bundles.length} functions in ${Math.round(performance.now() - startedAt)} ms`);
}
