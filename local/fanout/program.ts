/**
 * A program that knows nothing of Rekey: it reads its key from a variable, as `rekey exec` gives it, or asks an agent on
 * loopback before each request. It counts what its users see in a file, and another file is there while it serves.
 */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

interface Job {
  readonly call: { readonly url: string; readonly header: string; readonly scheme: string };
  readonly tallyFolder: string;
  /** The host that it runs on. */
  readonly host: string;
  /** Without one the key is in OPENAI_API_KEY. */
  readonly agent?: { readonly port: number; readonly tokenFile: string; readonly secret: string };
}

const { call, tallyFolder, host, agent } = JSON.parse(process.argv[2] ?? "{}") as Job;
const tally = { requests: 0, failed: 0 };
const served: { fromMs?: number; untilMs?: number } = {};
const isServing = `${tallyFolder}/${host}.serving`;
let isOver = false;
for (const signal of ["SIGTERM", "SIGINT"] as const)
  process.on(signal, () => {
    isOver = true;
  });

async function keyOf(more = ""): Promise<string> {
  if (agent === undefined) return process.env["OPENAI_API_KEY"] ?? "";
  const query = `secretId=${encodeURIComponent(agent.secret)}${more}`;
  const reply = await fetch(`http://127.0.0.1:${agent.port}/secretsmanager/get?${query}`, {
    headers: { "X-Aws-Parameters-Secrets-Token": readFileSync(agent.tokenFile, "utf8") },
  });
  return ((await reply.json()) as { SecretString: string }).SecretString;
}

async function ask(key: string): Promise<number> {
  const headers = { [call.header]: `${call.scheme}${key}`, "content-type": "application/json" };
  const reply = await fetch(call.url, {
    method: "POST",
    headers,
    body: '{"model":"gpt-fake","messages":[]}',
  });
  await reply.arrayBuffer();
  return reply.status;
}

while (!isOver) {
  tally.requests += 1;
  let status = await ask(await keyOf()).catch(() => 0);
  if (status === 401 && agent !== undefined)
    status = await ask(await keyOf("&refreshNow=true")).catch(() => 0);
  if (status !== 200) tally.failed += 1;
  else if (served.fromMs === undefined) {
    served.fromMs = Date.now();
    writeFileSync(isServing, "");
  }
  served.untilMs = Date.now();
  writeFileSync(`${tallyFolder}/${process.pid}.json`, JSON.stringify({ host, ...tally, ...served }));
  await pause(250);
}
rmSync(isServing, { force: true });
