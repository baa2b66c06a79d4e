import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { drawGraph, type Machine } from "./graph.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

/** The page's three files, as texts. */
export interface Page {
  readonly html: string;
  readonly script: string;
  readonly style: string;
}

export interface BuiltPage extends Page {
  /** What it was built from, as paths in the repository. */
  readonly sources: readonly string[];
}

const machines = ["rotation", "compromise"] as const;

/** Bundles the page, with the state machines laid out once and for all. */
export async function buildPage(): Promise<BuiltPage> {
  const graphs = await Promise.all(
    machines.map(async (name) => {
      const text = await readFile(`${root}statemachines/${name}.asl.json`, "utf8");
      return [name, drawGraph(JSON.parse(text) as Machine)] as const;
    }),
  );
  const { outputFiles, metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["console/page/main.ts", "console/page/style.css"],
    outdir: "console/dist",
    write: false,
    bundle: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    minify: true,
    legalComments: "none",
    define: { GRAPHS: JSON.stringify(Object.fromEntries(graphs)) },
    metafile: true,
    logLevel: "warning",
  });
  const textOf = (ending: string) => outputFiles.find(({ path }) => path.endsWith(ending))?.text ?? "";
  return {
    html: await readFile(`${root}console/page/index.html`, "utf8"),
    script: textOf(".js"),
    style: textOf(".css"),
    sources: [
      ...Object.keys(metafile.inputs).filter((path) => !path.startsWith("node_modules/")),
      ...machines.map((name) => `statemachines/${name}.asl.json`),
      "console/page/index.html",
      "console/graph.ts",
      "console/build.ts",
    ],
  };
}
