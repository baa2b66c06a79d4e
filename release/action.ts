/** `node release/action.ts [--out FOLDER]`: the GitHub Action as a folder, which the release pushes under its own tag. */
import { copyFileSync, mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { bundleIntoOne } from "../cli/build.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

export async function buildAction(out: string): Promise<void> {
  mkdirSync(out, { recursive: true });
  for (const file of ["action.yml", "README.md"])
    copyFileSync(join(root, "release/gate", file), join(out, file));
  copyFileSync(join(root, "LICENSE"), join(out, "LICENSE"));
  await bundleIntoOne(join(out, "scan.cjs"), "cli/action.ts");
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { out: { type: "string", default: "dist/action" } } });
  await buildAction(resolve(values.out));
}
