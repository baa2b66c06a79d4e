/** `rekey scan` by itself, for a scan that asks no deployment: cli/bin.cjs says when, cli/build-scan.ts what is left out. */
import { run } from "./program.ts";
import { processTerminal } from "./terminal.ts";

const notHere = async (): Promise<never> => {
  throw new Error("a scan by itself reaches no deployment");
};

void run(process.argv.slice(2), { terminal: processTerminal(), connect: notHere, store: notHere }).then(
  (code) => {
    process.exitCode = code;
  },
);
