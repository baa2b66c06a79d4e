import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";
import { type ScopeOptions, scopeOf, withScope } from "../scope.ts";
import { plural } from "../text.ts";

interface Options extends ScopeOptions {
  readonly reason: string;
  readonly includingIncidents?: boolean;
}

export const stop: Register = (program, perform) => {
  withScope(program.command("stop"))
    .requiredOption("--reason <text>", "why, for those who find it stopped")
    .option("--including-incidents", "also stop the containment of leaked keys")
    .action((secret: string | undefined, options: Options) =>
      perform(async (cli) => {
        const { reason, includingIncidents = false } = options;
        const scope = scopeOf(secret, options);
        const answer = await askAdmin(cli, { command: "stop", ...scope, reason, includingIncidents });
        return {
          json: { type: "stop", ...answer },
          lines: [`stopped for ${String(answer["scope"])}: ${plural(Number(answer["secrets"]), "secret")}`],
        };
      }),
    );
};
