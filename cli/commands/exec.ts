import { CliFailure, exitCodes, type Register } from "../command.ts";

/** In help only: cli/rekey.ts hands it over to sdk/host, which starts in a tenth of the time and needs nothing of ours. */
export const exec: Register = (program) => {
  program
    .command("exec")
    .allowUnknownOption()
    .action(() => {
      throw new CliFailure("exec has to be the first argument", {
        hint: "see `rekey exec --help`",
        exitCode: exitCodes.usage,
      });
    });
};
