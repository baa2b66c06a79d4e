import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** What is built or installed is made anew, or linked. */
const notCopied = /^(\.git|\.serverless|dist|node_modules|coverage)$/;

/**
 * Calls `build` with a copy of the tree, and removes the copy. Builds write into the tree, so two at the same time would
 * delete each other's files, and an old build could be shipped.
 */
export function inCopyOfTree<Built>(build: (tree: string) => Built): Built {
  const tree = mkdtempSync(join(tmpdir(), "rekey-tree-"));
  try {
    cpSync(root, tree, {
      recursive: true,
      filter: (path) =>
        !relative(root, path)
          .split(sep)
          .some((part) => notCopied.test(part)),
    });
    symlinkSync(join(root, "node_modules"), join(tree, "node_modules"));
    return build(tree);
  } finally {
    rmSync(tree, { recursive: true });
  }
}
