import { utcText } from "../../core/utc.ts";
import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";

export const approve: Register = (program, perform) => {
  program
    .command("approve")
    .argument("<rotation>", "its id, as `rekey status` shows it")
    .option("--digest <sha256>", "confirm what was shown before; without it, shows what there is to approve")
    .action((rotation: string, { digest }: { digest?: string }) =>
      perform(async (cli) => {
        const confirmed = digest === undefined ? {} : { digest };
        const answer = await askAdmin(cli, { command: "approve", rotation, ...confirmed });
        const name = String(answer["name"]);
        const step = answer["kind"] === "promote" ? "promotion" : "revoke";
        if (answer.outcome === "approved") {
          const next =
            answer["run"] === "woken" ? "the rotation goes on now" : "the rotation waits for something else";
          return {
            json: { type: "approve", ...answer },
            lines: [`the ${step} of ${name} is approved`, next],
          };
        }
        const what = Object.entries(answer["what"] as Readonly<Record<string, string>>);
        return {
          json: { type: "approve", ...answer },
          lines: [
            `the ${step} of ${name}, asked for by ${String(answer["askedBy"])}:`,
            ...what.map(([field, value]) => `  ${field}: ${value}`),
            `approve it until ${utcText(Number(answer["untilMs"]))} with:`,
            `  rekey approve ${rotation} --digest ${String(answer["digest"])}`,
          ],
        };
      }),
    );
};
