import { chmod } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

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
    banner: { js: "#!/usr/bin/env node" },
    logLevel: "warning",
  });
  await chmod(outfile, 0o755);
  return outfile;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(await buildHost(process.argv[2] ?? "dist/host/rekey.mjs"));
}
