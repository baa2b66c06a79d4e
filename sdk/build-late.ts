import { isBuiltin } from "node:module";
import type { Plugin } from "esbuild";

/** Loaded by Node itself before any program starts. */
const atStart: ReadonlySet<string> = new Set([
  "buffer",
  "events",
  "fs",
  "os",
  "path",
  "process",
  "url",
  "util",
]);

/**
 * Node's own cryptography, streams, child processes and the like are loaded when the first of their functions is called:
 * most commands call none of them, and help pays for them with a tenth of its time.
 */
export function lateModules(early: ReadonlySet<string> = atStart): Plugin {
  return {
    name: "late-modules",
    setup(bundler) {
      bundler.onResolve({ filter: /^(?:node:)?[a-z_/0-9]+$/ }, ({ path, namespace }) => {
        const name = path.replace(/^node:/, "");
        if (!isBuiltin(path) || early.has(name)) return undefined;
        return namespace === "late" ? { path, external: true } : { path: name, namespace: "late" };
      });
      bundler.onLoad({ filter: /.*/, namespace: "late" }, async ({ path }) => {
        const module: Record<string, unknown> = await import(`node:${path}`);
        // Such a module is a function itself, which an object with getters cannot stand for.
        if (typeof module["default"] === "function")
          return { contents: `module.exports = require("node:${path}");` };
        const getters = Object.keys(module)
          .filter((name) => name !== "default")
          .map((name) => `get ${JSON.stringify(name)}() { return load()[${JSON.stringify(name)}]; }`);
        return {
          contents: `const load = () => require("node:${path}");\nmodule.exports = { ${getters.join(", ")} };`,
          loader: "js",
        };
      });
    },
  };
}
