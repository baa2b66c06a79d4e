/**
 * `npm start`: a whole rotation in one terminal, on the machine, functions and SDK clients that run in
 * production. `npm start -- compromise` leaks the live key instead.
 */
import { parseArgs } from "node:util";
import { runCompromise } from "./compromise-run.ts";
import { runRotation } from "./rotation-run.ts";
import { type Screen, screen } from "./screen.ts";

const usage = `usage: npm start -- [compromise] [--json] [--stay] [--plan contain-first|switch-first]

  (nothing)      rotate a key under live traffic and prove the old one dead
  compromise     leak the live key: contain, replace, recover, report
  --json         one JSON object as the last line, and nothing else on stdout
  --stay         keep the local cloud running and print how to reach it
  --plan         for compromise: contain-first (default) or switch-first
`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      stay: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
      plan: { type: "string" },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [what = "rotation"] = positionals;
  const shown = screen({ json: values.json });
  const { plan } = values;
  if (plan !== undefined && plan !== "contain-first" && plan !== "switch-first")
    return misused(shown, `--plan ${plan}`);
  if (what === "rotation") return runRotation({ shown, stay: values.stay });
  if (what === "compromise")
    return runCompromise({ shown, stay: values.stay, plan: plan ?? "contain-first" });
  return misused(shown, what);
}

function misused(shown: Screen, what: string): number {
  shown.error(`there is nothing called ${what}`, "try `npm start -- --help`");
  return 2;
}

try {
  process.exitCode = await main();
} catch (error) {
  const { name, message } = error instanceof Error ? error : new Error("unknown");
  screen({ json: false }).error(
    `the run broke: ${name}: ${message}`,
    "a process of an earlier run may still be there; run it again",
  );
  process.exitCode = 1;
}
