#!/usr/bin/env node
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The first Node that runs TypeScript as it is, without a flag or a warning. */
const wanted = [22, 18];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const cli = new URL("../cli/rekey.ts", import.meta.url);

if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) {
  await import(cli.href);
} else {
  const node = fileURLToPath(new URL("../node_modules/.bin/node", import.meta.url));
  if (!existsSync(node)) {
    console.error(
      `rekey: error: Node ${wanted.join(".")} or later is needed, and this is ${process.versions.node}`,
    );
    console.error("rekey: hint: run `npm install` in Rekey's folder, which brings one");
    process.exit(2);
  }
  const child = spawnSync(node, [fileURLToPath(cli), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(child.status ?? 1);
}
