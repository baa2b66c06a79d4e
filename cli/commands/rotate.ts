import { executionName } from "../../core/rotation/execution-name.ts";
import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";
import { watchBoard } from "../watch/board.ts";
import { rotationBoard } from "../watch/rotation.ts";

export const rotate: Register = (program, perform) => {
  program
    .command("rotate")
    .argument("<secret>", "name in rekey.yml, or ARN")
    .option("--reason <text>", "why, for the audit log", "no reason given")
    .option("--wait", "follow it to its end")
    .action((secret: string, { reason, wait = false }: { reason: string; wait?: boolean }) =>
      perform(async (cli) => {
        const { newId } = await cli.reach();
        // The name is chosen here, so that repeating the request after a lost reply starts nothing twice.
        const name = executionName(secret.split(":").at(-1) ?? secret, { once: newId() });
        const answer = await askAdmin(cli, { command: "rotate", secret, reason, name });
        const rotationId = String(answer["rotationId"]);
        if (wait)
          return watchBoard(cli, rotationBoard({ secretArn: String(answer["secretArn"]), rotationId }));
        return {
          json: { type: "rotate", ...answer },
          lines: [
            `rotation ${rotationId} is started`,
            ...whatItFinishes(answer["finishes"]),
            `follow it with: rekey watch ${rotationId}`,
          ],
        };
      }),
    );
};

/** A run that finds an old key still to be revoked does that, and nothing else. */
function whatItFinishes(keyId: unknown): readonly string[] {
  if (typeof keyId !== "string") return [];
  return [
    `it makes no new key: it only finishes what an earlier rotation left, the revoke of ${keyId}`,
    "once that is done, the same command makes a new key",
  ];
}
