import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { type BuildOptions, build, type Metafile, type Plugin, transform } from "esbuild";
import { type BuiltPage, buildPage } from "../console/build.ts";
import { lateModules } from "../sdk/build-late.ts";
import { scanAlone } from "./build-scan.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const minified = { platform: "node", target: "node20", minify: true, legalComments: "none" } as const;

/**
 * Builds the command line into a folder: `rekey.cjs`, the parts that its commands load in `rekey/`, and the list of its
 * sources for a checkout. In one file, each start would read and check all of it, most of which no command needs.
 */
export async function buildCli(folder: string): Promise<void> {
  const page = await buildPage();
  const { metafile, outputFiles } = await build({
    ...bundling([withPage(page), lateModules()]),
    // Only modules can be split, and a command is faster where each part is CommonJS, so each is turned into that.
    ...{ entryPoints: { rekey: "cli/rekey.ts" }, format: "esm", splitting: true },
    ...{ outdir: folder, chunkNames: "rekey/[hash]", outExtension: { ".js": ".cjs" } },
  });
  const parts = join(folder, "rekey");
  await mkdir(parts, { recursive: true });
  // It stands anywhere among them, and is written last: a command that starts meanwhile finds the parts that its entry names.
  const isEntry = ({ path }: { readonly path: string }) => basename(path) === "rekey.cjs";
  const [entry, others] = [outputFiles.find(isEntry), outputFiles.filter((file) => !isEntry(file))];
  for (const { path, text } of others) await replace(path, await commonJs(text));
  if (entry !== undefined) await replace(entry.path, await commonJs(entry.text));
  const current = new Set(others.map(({ path }) => basename(path)));
  for (const name of await readdir(parts)) if (!current.has(name)) await rm(join(parts, name));
  await writeFile(join(folder, "rekey.sources.json"), JSON.stringify(sourcesOf(metafile, page)));
}

/** Bundles one program into one file, for where a folder of parts would be in the way. */
export async function bundleIntoOne(outfile: string, entry: string): Promise<void> {
  await intoOne(outfile, { entry, plugins: [withPage(await buildPage())] });
}

/** `rekey scan` once more, in a small file of its own: a hook waits for it at each commit. */
export async function bundleScan(outfile: string): Promise<void> {
  await intoOne(outfile, { entry: scanEntry, plugins: scanAlone() });
}

const scanEntry = "cli/scan-alone.ts";

async function intoOne(
  outfile: string,
  { entry, plugins }: { readonly entry: string; readonly plugins: readonly Plugin[] },
): Promise<void> {
  const { outputFiles } = await build({
    ...bundling(plugins),
    ...{ entryPoints: [entry], outfile, format: "cjs" },
  });
  await replace(outfile, outputFiles[0]?.text ?? "");
}

function bundling(plugins: readonly Plugin[]) {
  return {
    ...minified,
    absWorkingDir: root,
    write: false,
    bundle: true,
    // The SDK's CommonJS entry points, which "main" names, cannot be shaken.
    mainFields: ["module", "main"],
    alias: { yaml: "./node_modules/yaml/browser/index.js" },
    plugins: [...plugins],
    metafile: true,
    logLevel: "warning",
  } as const satisfies BuildOptions;
}

async function commonJs(text: string): Promise<string> {
  const supported = { "dynamic-import": false };
  return (await transform(text, { ...minified, format: "cjs", supported })).code;
}

function sourcesOf({ inputs }: Metafile, page: BuiltPage): readonly string[] {
  const builders = ["cli/build.ts", "sdk/build-late.ts", "cli/build-scan.ts", scanEntry];
  const all = new Set([...Object.keys(inputs), ...page.sources, ...builders]);
  return [...all].filter((path) => !path.startsWith("node_modules/") && !isMadeUp(path));
}

/** What a plugin or a definition contributes has a name like `late:https` or `<define:GRAPHS>`, and is no file. */
function isMadeUp(path: string): boolean {
  return /^<|^[a-z-]+:/.test(path);
}

/** Renamed into place, so that a command that starts meanwhile reads the whole of one file. */
async function replace(path: string, text: string): Promise<void> {
  const unfinished = join(dirname(path), `.${basename(path)}.${process.pid}`);
  await writeFile(unfinished, text, { mode: 0o644 });
  await rename(unfinished, path);
}

/** Puts the built page in the place of what builds it in a checkout. */
function withPage({ html, script, style }: BuiltPage): Plugin {
  return {
    name: "with-page",
    setup(bundler) {
      bundler.onLoad({ filter: /[\\/]console[\\/]page\.ts$/ }, () => ({
        contents: `export const loadPage = async () => (${JSON.stringify({ html, script, style })});`,
        loader: "js",
      }));
    },
  };
}

if (import.meta.main) {
  const folder = fileURLToPath(new URL("dist", import.meta.url));
  await buildCli(folder);
  await bundleScan(join(folder, "scan.cjs"));
}
