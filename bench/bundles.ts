import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { bundleFunctions } from "../build.ts";
import { type BenchRow, rowOf } from "./row.ts";

const run = promisify(execFile);
const importsEach = 3;
const loadedKiBMax = 500;
const medianKiBMax = 320;

/** Each function as it is deployed: how much it loads before it can take its first event, and how long that takes. */
export async function bundleRows(): Promise<BenchRow[]> {
  const folder = new URL("../dist/", import.meta.url);
  const bundles = await bundleFunctions();
  const rows = bundles.map(({ name, bytes }) =>
    rowOf({ name: `loaded by ${name}`, unit: "KiB", budget: loadedKiBMax }, [bytes / 1024]),
  );
  const sizes = bundles.map(({ bytes }) => bytes / 1024);
  const figures: number[] = [];
  for (const { name } of bundles) {
    for (let nth = 0; nth < importsEach; nth++) figures.push(await importMs(new URL(`${name}.mjs`, folder)));
  }
  return [
    ...rows,
    rowOf(
      { name: `loaded by a function, over ${bundles.length} functions`, unit: "KiB", budget: medianKiBMax },
      sizes,
    ),
    rowOf({ name: `import of a function, over ${bundles.length} functions`, unit: "ms" }, figures),
  ];
}

/** In a process of its own, because a module is imported only once. */
async function importMs(file: URL): Promise<number> {
  const script = `const at=performance.now();await import(${JSON.stringify(pathToFileURL(file.pathname).href)});console.log(performance.now()-at);process.exit(0)`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", script]);
  return Number(stdout.trim().split("\n").at(-1));
}
