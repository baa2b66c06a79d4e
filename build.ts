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
  /** Their paths in the package, its own first. */
  readonly files: readonly string[];
  /** Those, and what they may load later: all that the function's package has to hold. */
  readonly reach: readonly string[];
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
  metafile: true,
  logLevel: "warning",
} as const satisfies BuildOptions;

/**
 * One file per function, in providers/ one per adapter and per statement of a provider, which a function loads when a
 * policy names the provider, and in shared/ what several of them need.
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
  const folder = own.slice(0, -`${name}.mjs`.length);
  const inPackage = (path: string) => path.slice(folder.length);
  const files = closure(own, (path) => importedBy(path, outputs));
  const reach = closure(own, (path) => loadableBy(path, { outputs, folder }));
  const bytes = files.reduce((sum, path) => sum + (outputs.get(path)?.bytes ?? 0), 0);
  return { name, bytes, files: files.map(inPackage), reach: reach.map(inPackage) };
}

function closure(first: string, next: (path: string) => readonly string[]): readonly string[] {
  const found = new Set([first]);
  for (const path of found) for (const other of next(path)) found.add(other);
  return [...found];
}

function importedBy(path: string, outputs: Outputs): readonly string[] {
  const imports = outputs.get(path)?.imports ?? [];
  return imports
    .filter(({ kind, external }) => kind === "import-statement" && !external)
    .map((each) => each.path);
}

/** The registry of providers finds a statement by its name, which the bundler cannot follow. */
function loadableBy(
  path: string,
  { outputs, folder }: { outputs: Outputs; folder: string },
): readonly string[] {
  const { imports = [], inputs = {} } = outputs.get(path) ?? {};
  const statements = [...outputs.keys()].filter((each) => each.startsWith(`${folder}${statementFile("")}`));
  return [
    ...imports.filter(({ external }) => !external).map((each) => each.path),
    ...(Object.hasOwn(inputs, registry) ? statements : []),
  ];
}

const registry = "providers/kinds.ts";

if (import.meta.main) {
  const startedAt = performance.now();
  const bundles = await bundleFunctions();
  for (const { name, bytes } of bundles) {
    console.error(`${name.padEnd(20)} ${Math.round(bytes / 1024)} KiB`);
  }
  console.error(`${bundles.length} functions in ${Math.round(performance.now() - startedAt)} ms`);
}
