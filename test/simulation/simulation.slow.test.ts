import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
/** A slow machine is no failure, a hang is. */
const timeoutMs = 1_200_000;

/** The simulator in processes of its own: inside Jest's module system it is several times slower. */
async function lastLine(script: string, flags: readonly string[]): Promise<Record<string, unknown>> {
  const file = fileURLToPath(new URL(script, import.meta.url));
  const { stdout } = await run(process.execPath, ["--no-warnings", file, "--json", ...flags], {
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "");
}

test(
  "a thousand random runs and a crash at every call break no rule and leave no stray",
  async () => {
    const summary = await lastLine("./run/simulate.ts", ["--seeds", "1000"]);
    expect(summary).toMatchObject({ type: "simulation", seeds: 1_000, violations: 0, strays: 0 });
    expect(summary["crashPoints"]).toBeGreaterThan(8_000);
    expect(summary["faults"]).toBeGreaterThan(1_000);
  },
  timeoutMs,
);

/** Those that a few seeds find; `npm run simulate:bites` finds all of them. */
const quickBugs = [
  "revoke before evidence",
  "treat zero live instances as adopted",
  "drop the AWSPENDING strip",
  "compare by date: revoke the oldest key",
  "probe the retiring key before revoke",
  "forget a revoke owed",
  "move the pin while a debt is open",
  "promote a key that was refused",
  "revoke on what the provider said before the soak",
  "contain waits while the secret is held",
  "accept a forged alert",
  "sweep away the run of an execution at work",
  "a sweep that only looks gives leases back",
];

test(
  "planted bugs are found within a few seeds, so a green run means something",
  async () => {
    const flags = ["--seeds", "60", ...quickBugs.flatMap((name) => ["--only", name])];
    const summary = await lastLine("./run/bites.ts", flags);
    expect(summary).toMatchObject({ bugs: quickBugs.length, survivors: 0 });
  },
  timeoutMs,
);
