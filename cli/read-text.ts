import { type Cli, CliFailure, exitCodes } from "./command.ts";

/** The text of a file that a person named; one that cannot be read is wrong usage, and says why. */
export async function readText({ terminal }: Cli, file: string): Promise<string> {
  try {
    return await terminal.readFile(file);
  } catch (error) {
    if (error instanceof CliFailure) throw error;
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new CliFailure(`cannot read ${file} (${code})`, { exitCode: exitCodes.usage });
  }
}
