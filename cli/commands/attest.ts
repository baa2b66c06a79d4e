import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";

export const attest: Register = (program, perform) => {
  program
    .command("attest")
    .argument("<secret>", "name in rekey.yml, or ARN")
    .argument("<consumer>", "name in the secret's policy")
    .option("--environment <name>", "where the consumer runs in several")
    .action((secret: string, consumer: string, { environment }: { environment?: string }) =>
      perform(async (cli) => {
        const where = environment === undefined ? {} : { environment };
        const answer = await askAdmin(cli, { command: "attest", secret, consumer, ...where });
        const waiting =
          answer["run"] === "woken" ? "the rotation looks again now" : "the rotation still waits for others";
        return {
          json: { type: "attest", ...answer },
          lines: [`${consumer} is attested for version ${String(answer["versionId"])}`, waiting],
        };
      }),
    );
};
