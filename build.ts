import { rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
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

/** One file per function in dist/, with everything it needs inside. */
export async function bundleFunctions(outdir = `${root}dist`): Promise<readonly Bundle[]> {
  await rm(outdir, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: [...handlerFiles()].map(([out, file]) => ({ in: `functions/${file}`, out })),
    outdir,
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
    plugins: [credentialsFromEnvironment],
    // Some CommonJS dependencies still call require for Node's own modules.
    banner: {
      js: 'import{createRequire as requireFrom}from"node:module";const require=requireFrom(import.meta.url);',
    },
    metafile: true,
    logLevel: "warning",
  });
  return Object.entries(metafile.outputs).map(([path, { bytes }]) => ({
    name: basename(path, ".mjs"),
    bytes,
  }));
}

if (import.meta.main) {
  const startedAt = performance.now();
  const bundles = await bundleFunctions();
  for (const { name, bytes } of bundles) {
    console.error(`${name.padEnd(20)} ${Math.round(bytes / 1000)} KB`);
  }
  console.error(`${bundles.length} functions in ${Math.round(performance.now() - startedAt)} ms`);
}
