import { run } from "./program.ts";
import type { Where } from "./stack-outputs.ts";
import { processTerminal } from "./terminal.ts";

const args = process.argv.slice(2);

/** These two run for as long as a program does, and are the sdk's: nothing else of the command line is loaded. */
const isForHost = args[0] === "exec" || args[0] === "agent";

// No await at the top: the bundle is CommonJS, whose modules load Node's own parts when they are first needed.
const exitCode = isForHost
  ? import("../sdk/host/main.ts").then(({ runHost }) => runHost(args, { env: process.env, program: "rekey" }))
  : run(args, {
      terminal: processTerminal(),
      // Most commands need a few of AWS's clients, and help or a mistake in a file need none.
      account: async (where) => {
        setUp(where);
        return (await import("./discover/aws.ts")).awsAccount();
      },
      connect: async (where) => {
        setUp(where);
        return (await import("./aws.ts")).reachAws(process.env, where);
      },
      store: async (where) => {
        setUp(where);
        return (await import("./aws.ts")).callersStore();
      },
    });

/** Every client of the SDK reads these by itself. */
function setUp({ region, profile }: Where): void {
  // Under an older Node the SDK would say that its next versions need a newer one. The one here comes with this file.
  process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";
  if (region !== undefined) process.env["AWS_REGION"] = region;
  if (profile !== undefined) process.env["AWS_PROFILE"] = profile;
}

void exitCode.then((code) => {
  process.exitCode = code;
});
