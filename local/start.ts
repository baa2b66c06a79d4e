/**
 * `npm start`: a whole rotation in one terminal, on the machine, functions and SDK clients that run in
 * production. `npm start -- compromise` leaks the live key instead, `npm start -- campaign` a thousand at once,
 * `npm start -- fleet` rotates three hundred, and `npm start -- fanout` has copies of the key at nine places.
 */

import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import type { Start } from "./demonstration.ts";
import { endOnSignal } from "./ending.ts";
import { screen } from "./screen.ts";
import type { StandInName } from "./stand-ins.ts";

const usage = `usage: npm start -- [compromise|campaign|fleet|fanout] [--json] [--stay]
                    [--port N] [--provider NAME]
                    [--plan contain-first|switch-first]

  (nothing)      rotate a key under live traffic, prove the old one
                 dead
  compromise     leak the live key: contain, replace, recover, report;
                 with --provider anthropic it is disabled first, which
                 can be undone, and a person supplies the new key
  campaign       every key leaked: 1,000 keys of 10 provider accounts
                 with 5 calls a second each, in waves; some 15 minutes
  fleet          300 secrets of 6 provider accounts: discovered,
                 observed, then all due at one instant; one account
                 is slow, one fails, and everything is stopped once
  fanout         a key in Vault with copies in Google Secret Manager,
                 Secrets Manager and at seven more destinations of
                 all four classes, and programs under rekey exec and
                 behind rekey agent: rotated, each place's own proof,
                 and three hosts that restart one after another
  --json         one JSON object as the last line of stdout, and
                 nothing else there
  --stay         keep the local cloud running for another terminal
  --port N       the local cloud's port; any free one without it
  --native       rotate by the button of Secrets Manager
  --provider P   openai (without it), anthropic (a person supplies
                 the key), azure-openai (two places), google,
                 openrouter, xai, cloudflare, bedrock (two a user),
                 http (an API that the policy declares) or lambda (a
                 function of yours)
  --keys N       for campaign and fleet: fewer keys
  --plan         for compromise: contain-first (default) or
                 switch-first
`;

class Misused extends Error {
  override readonly name = "Misused";
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        native: { type: "boolean", default: false },
        stay: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        keys: { type: "string" },
        plan: { type: "string" },
        port: { type: "string" },
        provider: { type: "string" },
      },
    });
  } catch (error) {
    // Node's message goes on with advice about positional arguments, which nobody needs here.
    if (error instanceof TypeError) throw new Misused(error.message.split(". ")[0] ?? "");
    throw error;
  }
}

const shownRuns = ["rotation", "compromise", "campaign", "fleet", "fanout"] as const;

function isShown(what: string): what is (typeof shownRuns)[number] {
  return (shownRuns as readonly string[]).includes(what);
}

function planIn(plan: string | undefined, what: string) {
  if (plan === undefined) return "contain-first";
  if (what !== "compromise") throw new Misused("--plan is for `npm start -- compromise`");
  if (plan === "contain-first" || plan === "switch-first") return plan;
  throw new Misused(`no plan is called ${plan}: it is contain-first or switch-first`);
}

const counted: Readonly<
  Record<string, { readonly usual: number; readonly min: number; readonly max: number }>
> = {
  campaign: { usual: 1_000, min: 10, max: 2_000 },
  fleet: { usual: 300, min: 12, max: 600 },
};

function countIn(text: string | undefined, what: string): number {
  const limits = counted[what];
  if (text === undefined) return limits?.usual ?? 0;
  if (limits === undefined)
    throw new Misused("--keys is for `npm start -- campaign` and `npm start -- fleet`");
  const keys = Number(text);
  if (Number.isInteger(keys) && keys >= limits.min && keys <= limits.max) return keys;
  throw new Misused(`${text} is no number of keys: it is from ${limits.min} to ${limits.max}`);
}

function portIn(text: string | undefined): { readonly port?: number } {
  if (text === undefined) return {};
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && port >= 1 && port <= 65_535) return { port };
  throw new Misused(`${text} is no port: it is a number from 1 to 65535`);
}

/** The stand-ins are loaded only when one is named: the first line has to be there at once. */
async function standInFor(name: string | undefined): Promise<{ readonly standIn?: StandInName }> {
  if (name === undefined) return {};
  const { isStandIn, standIns } = await import("./stand-ins.ts");
  if (isStandIn(name)) return { standIn: name };
  throw new Misused(`there is no stand-in of ${name}: name ${Object.keys(standIns).join(", ")}`);
}

async function main(): Promise<number> {
  const { values, positionals } = parsed();
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const [what = "rotation", ...more] = positionals;
  if (more.length > 0) throw new Misused(`one thing at a time, and not also ${more.join(" ")}`);
  if (!isShown(what)) throw new Misused(`there is nothing called ${what}`);
  const plan = planIn(values.plan, what);
  if (values.native && what !== "rotation") throw new Misused("--native is for `npm start` alone");
  const keys = countIn(values.keys, what);
  const place = { ...portIn(values.port), ...(await standInFor(values.provider)) };
  const shown = screen({ json: values.json });
  const ending = endOnSignal(shown);
  const start: Start = { shown, ending, stay: values.stay, ...place };
  // Said before the rest is loaded, which takes seconds on a slow machine.
  shown.say("a company in one process: its cloud, its providers, its programs under traffic");
  try {
    if (what === "compromise")
      return await (await import("./compromise-run.ts")).runCompromise({ ...start, plan });
    if (what === "campaign") return await (await import("./campaign-run.ts")).runCampaign({ ...start, keys });
    if (what === "fleet") return await (await import("./fleet-run.ts")).runFleet({ ...start, keys });
    if (what === "fanout") return await (await import("./fanout-run.ts")).runFanOut(start);
    return await (await import("./rotation-run.ts")).runRotation({ ...start, native: values.native });
  } catch (error) {
    // What breaks while everything is being closed breaks because of that, and the process is about to end.
    if (ending.hasBegun) return new Promise(() => {});
    throw error;
  }
}

function whichPort(error: Error): string {
  return "port" in error ? `port ${error.port}` : "the port";
}

function whyBroken(error: unknown): readonly [text: string, hint: string] {
  const { name, message } = error instanceof Error ? error : new Error("unknown");
  if (error instanceof Error && "code" in error && error.code === "EADDRINUSE")
    return [
      `${whichPort(error)} is taken by another program`,
      "name a free one with --port, or leave it out",
    ];
  const said = name === "Error" ? message : `${name}: ${message}`;
  if (/\b(?:ENOSPC|EROFS|EDQUOT|EACCES|ENOTDIR)\b/.test(message))
    return [
      `the run broke: ${said}`,
      `it writes some MiB below ${tmpdir()}: make room, or name another TMPDIR`,
    ];
  return [`the run broke: ${said}`, "run it again; under a heavy load it can take too long"];
}

try {
  process.exitCode = await main();
} catch (error) {
  const shown = screen({ json: false });
  if (error instanceof Misused) shown.error(error.message, "try `npm start -- --help`");
  else shown.error(...whyBroken(error));
  process.exitCode = error instanceof Misused ? 2 : 1;
}
