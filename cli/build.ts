import { chmod, rename, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";
import { type BuiltPage, buildPage } from "../console/build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/**
 * Bundles the command line into one file, and writes the list of its own sources beside it. The file is CommonJS:
 * there each of AWS's clients and of Node's modules is loaded when a command first needs it, not at the start.
 */
export async function bundleCli(outfile: string, entry = "cli/rekey.ts"): Promise<void> {
  const page = await buildPage();
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
    plugins: [withPage(page)],
    metafile: true,
    logLevel: "warning",
  });
  const own = Object.keys(metafile.inputs).filter((path) => !path.startsWith("node_modules/"));
  const sources = [...new Set([...own, ...page.sources])];
  await writeFile(outfile.replace(/\.cjs$/, ".sources.json"), JSON.stringify(sources));
  // Renamed into place, so that a command that starts meanwhile reads the whole of one bundle.
  const unfinished = `${outfile}.${process.pid}`;
  await writeFile(unfinished, outputFiles[0]?.contents ?? "");
  await chmod(unfinished, 0o644);
  await rename(unfinished, outfile);
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
  const outfile = fileURLToPath(new URL("dist/rekey.cjs", import.meta.url));
  await mkdir(fileURLToPath(new URL("dist/", import.meta.url)), { recursive: true });
  await bundleCli(outfile);
}
