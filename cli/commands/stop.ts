import { utcText } from "../../core/utc.ts";
import { askAdmin } from "../ask-admin.ts";
import type { Register } from "../command.ts";
import { type ScopeOptions, scopeOf, withScope } from "../scope.ts";
import { plural } from "../text.ts";

interface Options extends ScopeOptions {
  readonly reason: string;
  readonly includingIncidents?: boolean;
  readonly alone?: boolean;
  readonly untilLifted?: boolean;
}

export const stop: Register = (program, perform) => {
  withScope(program.command("stop"))
    .requiredOption("--reason <text>", "why, for those who find it stopped")
    .option("--including-incidents", "also stop the containment of leaked keys")
    .option("--alone", "at once and for four hours, without a second person; everybody is paged")
    .option("--until-lifted", "longer than four hours, where that needs a second person")
    .action((secret: string | undefined, options: Options) =>
      perform(async (cli) => {
        const { reason, includingIncidents = false, alone = false, untilLifted = false } = options;
        const scope = scopeOf(secret, options);
        const how = { reason, includingIncidents, alone, untilLifted };
        const answer = await askAdmin(cli, { command: "stop", ...scope, ...how });
        const until = answer["untilMs"] === undefined ? "" : `, until ${utcText(Number(answer["untilMs"]))}`;
        const secrets = plural(Number(answer["secrets"]), "secret");
        return {
          json: { type: "stop", ...answer },
          lines: [`stopped for ${String(answer["scope"])}: ${secrets}${until}`],
        };
      }),
    );
};
