import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";

export const retire: Register = (program, perform) => {
  program
    .command("retire")
    .argument("<secret>", "name in Rekey, or ARN")
    .requiredOption("--reason <text>", "why, for the audit log")
    .action((secret: string, { reason }: { reason: string }) =>
      perform(async (cli) => {
        const answer = await askAdmin(cli, { command: "retire", secret, reason });
        const keys = answer["keys"] as readonly string[];
        return {
          json: { type: "retire", ...answer },
          lines: [
            `${String(answer["name"])} is retired: revoked ${keys.join(", ")}, and nothing takes its place`,
            "Rekey calls the provider until the key is proven dead, and pages if it is not; the audit log has its death",
          ],
        };
      }),
    );
};
