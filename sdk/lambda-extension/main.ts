import { startExtension } from "./extension.ts";

const log = (line: object): void => console.log(JSON.stringify(line));

try {
  const { stopped } = await startExtension({ env: process.env, log });
  await stopped;
} catch (error) {
  // Lambda has the error by now. The log gets only its name, because a message could quote what was read.
  log({ event: "extensionFailed", error: error instanceof Error ? error.name : "unknown" });
  process.exitCode = 1;
}
