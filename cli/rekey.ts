import { run } from "./program.ts";
import { processTerminal } from "./terminal.ts";

// No await at the top: the bundle is CommonJS, whose modules load Node's own parts when they are first needed.
void run(process.argv.slice(2), {
  terminal: processTerminal(),
  // Most commands need a few of AWS's clients, and help or a mistake in a file need none.
  connect: async () => (await import("./aws.ts")).reachAws(process.env),
}).then((exitCode) => {
  process.exitCode = exitCode;
});
