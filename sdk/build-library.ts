import { spawnSync } from "node:child_process";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { transform } from "esbuild";

const compiler = fileURLToPath(new URL("../node_modules/typescript/bin/tsc", import.meta.url));

/**
 * Builds a library's `dist` from its `tsconfig.build.json`: ECMAScript modules with types, and the same files once
 * more as CommonJS. Files are not bundled, so that all entry points share one class for each error.
 */
export async function buildLibrary(folder: string): Promise<void> {
  const dist = join(folder, "dist");
  await rm(dist, { recursive: true, force: true });
  const built = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json"], {
    cwd: folder,
    encoding: "utf8",
  });
  if (built.status !== 0) throw new Error(`the types of ${folder} do not hold:\n${built.stdout}`);

  for (const file of await readdir(dist, { recursive: true })) {
    const path = join(dist, file);
    if (!file.endsWith(".ts") && !file.endsWith(".js")) continue;
    // TypeScript leaves the ending of an import as it was written wherever it makes declarations.
    const text = (await readFile(path, "utf8")).replace(/(["']\.{1,2}\/[\w/.-]+)\.ts(["'])/g, "$1.js$2");
    await writeFile(path, text);
    if (file.endsWith(".d.ts")) await writeFile(path.replace(/\.d\.ts$/, ".d.cts"), asCommonJs(text));
    else if (file.endsWith(".js")) {
      const { code } = await transform(text, {
        format: "cjs",
        platform: "node",
        target: "node20",
        sourcefile: file,
      });
      await writeFile(path.replace(/\.js$/, ".cjs"), asCommonJs(code));
    }
  }
}

function asCommonJs(text: string): string {
  return text.replace(/(["']\.{1,2}\/[\w/.-]+)\.js(["'])/g, "$1.cjs$2");
}

if (import.meta.main) await buildLibrary(resolve(process.argv[2] ?? "."));
