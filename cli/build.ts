import { chmod, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { type BuiltPage, buildPage } from "../console/build.ts";
import { scanAlone } from "./build-scan.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Bundles the command line into one file, and writes the list of its own sources beside it. The file is CommonJS:
 * there each of AWS's clients and of Node's modules is loaded when a command first needs it, not at the start.
 */
export async function bundleCli(outfile: string, entry = "cli/rekey.ts"): Promise<void> {
  const page = await buildPage();
  const own = await bundle(outfile, { entry, plugins: [withPage(page)] });
  const sources = [...new Set([...own, ...page.sources])];
  await writeFile(outfile.replace(/\.cjs$/, ".sources.json"), JSON.stringify(sources));
}

/** `rekey scan` once more, in a small file of its own: a hook waits for it at each commit. */
export async function bundleScan(outfile: string): Promise<void> {
  await bundle(outfile, { entry: "cli/scan-alone.ts", plugins: scanAlone() });
}

interface Bundling {
  readonly entry: string;
  readonly plugins: readonly Plugin[];
}

/** Writes the bundle, and returns which of our own files are in it. */
async function bundle(outfile: string, { entry, plugins }: Bundling): Promise<readonly string[]> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    write: false,
    bundle: true,
    format: "cjs",
    platform: "node",
    target: "node20",
    minify: true,
    legalComments: "none",
    // The SDK's CommonJS entry points, which "main" names, cannot be shaken.
    mainFields: ["module", "main"],
    alias: { yaml: "./node_modules/yaml/browser/index.js" },
    plugins: [...plugins],
    metafile: true,
    logLevel: "warning",
  });
  // Renamed into place, so that a command that starts meanwhile reads the whole of one bundle.
  const unfinished = `${outfile}.${process.pid}`;
  await writeFile(unfinished, outputFiles[0]?.contents ?? "");
  await chmod(unfinished, 0o644);
  await rename(unfinished, outfile);
  return Object.keys(metafile.inputs).filter((path) => !path.startsWith("node_modules/"));
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
  const { mkdir } = await import("node:fs/promises");
  const folder = fileURLToPath(new URL("dist/", import.meta.url));
  await mkdir(folder, { recursive: true });
  await bundleScan(`${folder}scan.cjs`);
  await bundleCli(`${folder}rekey.cjs`);
}
