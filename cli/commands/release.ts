import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";

export const release: Register = (program, perform) => {
  program
    .command("release")
    .argument("<secret>", "name in rekey.yml, or ARN")
    .option("--unfreeze", "confirm that you know who changed it, and that AWSCURRENT is right now")
    .action((secret: string, { unfreeze = false }: { unfreeze?: boolean }) =>
      perform(async (cli) => {
        const answer = await askAdmin(cli, { command: "release", secret, unfreeze });
        const still = answer["stillFrozen"];
        const frozen = still === undefined ? [] : [`it is still frozen: ${String(still)}`];
        return {
          json: { type: "release", ...answer },
          lines: [`${String(answer["name"])} is released`, ...frozen],
        };
      }),
    );
};
