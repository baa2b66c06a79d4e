import { chmod } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { lateModules } from "../build-late.ts";

/**
 * A module's `import` of Node's HTTP reads all that it exports, one of which loads Node's `fetch` and all it stands on.
 * So what Node has is asked for by name, when it is needed.
 */
const banner = `#!/usr/bin/env node
const require = (name) => process.getBuiltinModule(name);`;

/** Bundles `rekey exec` and `rekey agent` into one file that needs Node 20 and nothing else. */
export async function buildHost(outfile: string): Promise<string> {
  await build({
    entryPoints: [join(dirname(fileURLToPath(import.meta.url)), "bundle.ts")],
    outfile,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    banner: { js: banner },
    plugins: [lateModules(new Set())],
    logLevel: "warning",
  });
  await chmod(outfile, 0o755);
  return outfile;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(await buildHost(process.argv[2] ?? "dist/host/rekey.mjs"));
}
