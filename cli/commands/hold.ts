import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";

export const hold: Register = (program, perform) => {
  program
    .command("hold")
    .argument("<secret>", "name in rekey.yml, or ARN")
    .requiredOption("--reason <text>", "why, for those who find it held")
    .action((secret: string, { reason }: { reason: string }) =>
      perform(async (cli) => {
        const answer = await askAdmin(cli, { command: "hold", secret, reason });
        const name = String(answer["name"]);
        return {
          json: { type: "hold", ...answer },
          lines: [`${name} is held`, `lift it with: rekey release ${name}`],
        };
      }),
    );
};
