import { CliFailure, exitCodes } from "./command.ts";

interface Regional {
  readonly config: { region(): Promise<string> };
}

/** The Region that a client of AWS would call; a sentence and not the SDK's own error where nobody says which. */
export async function regionOf({ config }: Regional): Promise<string> {
  return config.region().catch(noRegion);
}

function noRegion(error: unknown): never {
  const { message } = error instanceof Error ? error : new Error("no AWS Region is known");
  throw new CliFailure(message.replace(/\.$/, ""), {
    ...{ hint: "set AWS_REGION", exitCode: exitCodes.unreachable },
  });
}
