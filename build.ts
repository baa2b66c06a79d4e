import { existsSync, readdirSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";
import { handlerFiles } from "./serverless/handlers.ts";
import { issuerSummaries, statementFile } from "./serverless/issuer-summaries.ts";
import { libraryTrims } from "./serverless/library-trims.ts";

export interface Bundle {
  readonly name: string;
  /** What a function loads before it can take its first event: its own file, and all files that this imports. */
  readonly bytes: number;
  /** Paths in the package, its own first. */
  readonly files: readonly string[];
}

const root = fileURLToPath(new URL(".", import.meta.url));

const options = {
  absWorkingDir: root,
  outExtension: { ".js": ".mjs" },
  bundle: true,
  splitting: true,
  chunkNames: "shared/[hash]",
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
 * One file per function, in providers/ one per adapter and per statement of a provider, which a function loads when a
 * policy names the provider, and in shared/ what several of them need. All of it is in each function's package, but a
 * function loads only what it imports.
 */
export async function bundleFunctions(
  outdir = `${root}dist`,
  { plugins = [] }: { readonly plugins?: readonly Plugin[] } = {},
): Promise<readonly Bundle[]> {
  for (const part of ["providers", "shared"]) await rm(`${outdir}/${part}`, { recursive: true, force: true });
  const { metafile } = await build({
    ...options,
    entryPoints: [
      ...[...handlerFiles()].map(([out, file]) => ({ in: `functions/${file}`, out })),
      ...providerFiles(),
    ],
    outdir,
    plugins: [...plugins, issuerSummaries, ...libraryTrims],
  });
  const outputs = new Map(Object.entries(metafile.outputs));
  return [...handlerFiles().keys()].map((name) => bundleOf(name, { outdir, outputs }));
}

function providerFiles(): readonly { readonly in: string; readonly out: string }[] {
  return readdirSync(`${root}providers`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) =>
      [
        { in: `providers/${name}/index.ts`, out: statementFile(name) },
        { in: `providers/${name}/adapter.ts`, out: `providers/${name}` },
      ].filter((file) => existsSync(`${root}${file.in}`)),
    );
}

type Outputs = ReadonlyMap<string, Metafile["outputs"][string]>;

function bundleOf(
  name: string,
  { outdir, outputs }: { readonly outdir: string; readonly outputs: Outputs },
): Bundle {
  const own = [...outputs.keys()].find((path) => path.endsWith(`${basename(outdir)}/${name}.mjs`)) ?? "";
  const loaded = new Set([own]);
  for (const path of loaded) {
    for (const { kind, path: imported, external } of outputs.get(path)?.imports ?? []) {
      if (kind === "import-statement" && !external) loaded.add(imported);
    }
  }
  const folder = own.slice(0, -`${name}.mjs`.length);
  const bytes = [...loaded].reduce((sum, path) => sum + (outputs.get(path)?.bytes ?? 0), 0);
  return { name, bytes, files: [...loaded].map((path) => path.slice(folder.length)) };
}

if (import.meta.main) {
  const startedAt = performance.now();
  const bundles = await bundleFunctions();
  for (const { name, bytes } of bundles) {
    console.error(`${name.padEnd(20)} ${Math.round(bytes / 1024)} KiB`);
  }
  console.error(`${bundles.length} functions in ${Math.round(performance.now() - startedAt)} ms`);
}
