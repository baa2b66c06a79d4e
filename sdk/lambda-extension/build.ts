import { chmod, copyFile, mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

/**
 * Builds the layer's folder: `node sdk/lambda-extension/build.ts [--node PATH] [--out FOLDER]`. With `--node` the
 * layer carries that Linux binary, for runtimes that have none; strip it first.
 */
export async function buildLayer({
  out,
  node,
}: {
  out: string;
  node?: string | undefined;
}): Promise<string[]> {
  const here = dirname(fileURLToPath(import.meta.url));
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, "extensions"), { recursive: true });
  await mkdir(join(out, "rekey"), { recursive: true });

  const script = join(out, "extensions", "rekey");
  await copyFile(join(here, "extensions", "rekey"), script);
  await chmod(script, 0o755);
  const bundle = join(out, "rekey", "extension.mjs");
  await build({
    entryPoints: [join(here, "main.ts")],
    outfile: bundle,
    bundle: true,
    minify: true,
    platform: "node",
    format: "esm",
    target: "node20",
    logLevel: "warning",
  });
  if (!node) return [script, bundle];

  const binary = join(out, "rekey", "node");
  await copyFile(node, binary);
  await chmod(binary, 0o755);
  return [script, bundle, binary];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name: string): string | undefined => {
    const at = process.argv.indexOf(name);
    return at === -1 ? undefined : process.argv[at + 1];
  };
  const files = await buildLayer({ out: option("--out") ?? "dist/layer", node: option("--node") });
  console.log(files.join("\n"));
}
