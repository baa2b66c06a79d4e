import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";

const results: Readonly<Record<string, readonly string[]>> = {
  undone: ["nothing was promoted: the incoming key is deleted again, and the secret stays as it is"],
  bothKeysKept: [
    "the incoming key is current, and the retiring key stays alive: both work",
    "its revoke is owed until a rotation is started: rekey rotate, or the schedule",
  ],
};

export const abort: Register = (program, perform) => {
  program
    .command("abort")
    .argument("<rotation>", "as `rekey status` or `rekey history` shows it")
    .requiredOption("--reason <text>", "why, for the audit log")
    .action((rotation: string, { reason }: { readonly reason: string }) =>
      perform(async (cli) => {
        const answer = await askAdmin(cli, { command: "abort", rotation, reason });
        const lines = results[String(answer["result"])] ?? [];
        const when =
          answer["run"] === "woken" ? "it settles now" : "it settles after the step that is under way";
        return {
          json: { type: "abort", ...answer },
          lines: [`${rotation} is aborted; ${when}`, ...lines, `follow it with rekey watch ${rotation}`],
        };
      }),
    );
};
