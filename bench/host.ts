import { spawn } from "node:child_process";
import { performance } from "node:perf_hooks";
import { bundleOnce, HostWorld } from "../test/sdk/host-world.ts";
import { type BenchRow, rowOf } from "./row.ts";

const runs = 21;
const budgetMs = 150;
const node = [process.execPath, "-e", "process.stdout.write('up')"] as const;

/** From the start of a process to the first word of what it is for, in turns, so that both see the same interruptions. */
export async function hostRows(): Promise<BenchRow[]> {
  const { bundle, remove } = await bundleOnce();
  const world = await HostWorld.create(bundle);
  try {
    const { arn } = world.aws;
    const consumer = ["--consumer", "billing", "--environment", "production"];
    const exec = [process.execPath, bundle, "exec", "--secret", arn, ...consumer, "--", "/bin/echo", "up"];
    const agent = [process.execPath, bundle, "agent", "--secret", arn, ...consumer, "--port", "0"];
    const agentArgs = [...agent, "--token-file", `${world.folder}/token`];
    const took = { node: [] as number[], exec: [] as number[], agent: [] as number[] };
    for (let run = 0; run < runs; run += 1) {
      took.node.push(await firstWordMs(node, world.env()));
      took.exec.push(await firstWordMs(exec, world.env()));
      took.agent.push(await firstWordMs(agentArgs, world.env()));
    }
    const alone = rowOf({ name: "node -e", unit: "ms" }, took.node).median;
    const rows = [
      ["rekey exec: until the command runs", took.exec],
      ["rekey agent: until it serves", took.agent],
    ] as const;
    return rows.map(([name, figures]) => {
      const times = (rowOf({ name, unit: "ms" }, figures).median / alone).toFixed(2);
      const detail = `${times} times node alone; the store answers at once and over plain HTTP`;
      const peer = { name: "node alone", median: alone };
      return rowOf({ ...{ name, unit: "ms", budget: budgetMs }, peer, detail }, figures);
    });
  } finally {
    await world.close();
    await remove();
  }
}

/** Of a process that ends by itself, or is ended once it has said something. */
async function firstWordMs(
  [file = "", ...args]: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<number> {
  const fromMs = performance.now();
  const child = spawn(file, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let said = "";
  child.stderr.on("data", (text) => {
    said += String(text);
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const firstMs = await new Promise<number>((resolve, reject) => {
    child.stdout.once("data", () => resolve(performance.now() - fromMs));
    child.once("close", (code) => reject(new Error(`it ended with ${code}: ${said}`)));
  });
  child.kill("SIGTERM");
  await ended;
  return firstMs;
}
