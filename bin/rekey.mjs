#!/usr/bin/env node
/** `rekey` in a checkout: the bundle while no source is newer than it, otherwise the sources themselves. */
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

/** The first Node that runs TypeScript as it is, without a flag or a warning. */
const wanted = [22, 18];
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
const root = new URL("../", import.meta.url);
const source = new URL("cli/rekey.ts", root);

function isBundleCurrent() {
  const bundle = statSync(new URL("cli/dist/rekey.cjs", root), { throwIfNoEntry: false });
  if (bundle === undefined) return false;
  const sources = JSON.parse(readFileSync(new URL("cli/dist/rekey.sources.json", root), "utf8"));
  return sources.every((path) => {
    const found = statSync(new URL(path, root), { throwIfNoEntry: false });
    return found !== undefined && found.mtimeMs <= bundle.mtimeMs;
  });
}

function runWithOwnNode() {
  const node = fileURLToPath(new URL("node_modules/.bin/node", root));
  if (!existsSync(node)) {
    console.error(
      `rekey: error: Node ${wanted.join(".")} or later is needed, and this is ${process.versions.node}`,
    );
    console.error("rekey: hint: run `npm install` in Rekey's folder, which brings one");
    process.exit(2);
  }
  const child = spawnSync(node, [fileURLToPath(source), ...process.argv.slice(2)], { stdio: "inherit" });
  process.exit(child.status ?? 1);
}

if (isBundleCurrent()) createRequire(import.meta.url)("../cli/bin.cjs");
else if (major > wanted[0] || (major === wanted[0] && minor >= wanted[1])) await import(source.href);
else runWithOwnNode();
