import { run } from "./program.ts";
import { processTerminal } from "./terminal.ts";

process.exitCode = await run(process.argv.slice(2), {
  terminal: processTerminal(),
  // The SDK clients take a while to load, and help or a mistake in a file need none.
  connect: async () => (await import("./aws.ts")).reachAws(process.env),
});
