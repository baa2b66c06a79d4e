import { CliFailure, exitCodes, type Register } from "../command.ts";

/** In help only, as `exec` is. */
export const agent: Register = (program) => {
  program
    .command("agent")
    .allowUnknownOption()
    .action(() => {
      throw new CliFailure("agent has to be the first argument", {
        hint: "see `rekey agent --help`",
        exitCode: exitCodes.usage,
      });
    });
};
