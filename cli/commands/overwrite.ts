import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";

export const overwrite: Register = (program, perform) => {
  program
    .command("overwrite")
    .argument("<secret>", "name in rekey.yml, or ARN")
    .argument("<destination>", "as stages/<stage>.yml names it")
    .requiredOption("--reason <text>", "why what is there now may be lost")
    .action((secret: string, destination: string, { reason }: { reason: string }) =>
      perform(async (cli) => {
        const answer = await askAdmin(cli, { command: "overwrite", secret, destination, reason });
        const names = Array.isArray(answer["names"]) ? answer["names"].join(", ") : "";
        return {
          json: { type: "overwrite", ...answer },
          lines: [
            `${names} at ${destination}: the next write replaces what is there`,
            "a waiting rotation writes it after its wait; otherwise the next rotation does",
          ],
        };
      }),
    );
};
