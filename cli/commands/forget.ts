import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";

interface Options {
  readonly reason: string;
  readonly consumer?: string;
  readonly environment?: string;
}

export const forget: Register = (program, perform) => {
  program
    .command("forget")
    .argument("<secret>", "name in rekey.yml, or ARN")
    .argument("<instance>", "as `rekey consumers` shows it")
    .requiredOption("--reason <text>", "how you know that it is gone")
    .option("--consumer <name>", "where two consumers have an instance of this name")
    .option("--environment <name>", "where the consumer runs in several")
    .action((secret: string, instance: string, { reason, consumer, environment }: Options) =>
      perform(async (cli) => {
        const which = { ...(consumer && { consumer }), ...(environment && { environment }) };
        const answer = await askAdmin(cli, { command: "forget", secret, instance, reason, ...which });
        const waiting =
          answer["run"] === "woken" ? "the rotation looks again now" : "the rotation still waits for others";
        return {
          json: { type: "forget", ...answer },
          lines: [
            `the revoke no longer waits for ${instance} of ${String(answer["consumer"])}`,
            "if it reports again before the revoke, it counts again",
            waiting,
          ],
        };
      }),
    );
};
