import { parseDuration } from "../../core/duration.ts";
import { utcText } from "../../core/utc.ts";
import { askAdmin } from "../ask-admin.ts";
import { CliFailure, exitCodes, type Register } from "../command.ts";

interface Options {
  readonly owner?: string;
  readonly for?: string;
  readonly dryRun?: boolean;
}

export const issue: Register = (program, perform) => {
  program
    .command("issue")
    .argument("<template>", "one of `templates` in a policy file")
    .argument("<name>", "what the new secret is called in Rekey")
    .option("--owner <who>", "who answers for it, in place of the template's")
    .option("--for <duration>", "how long it may live, such as 30d; no longer than the template allows")
    .option("--dry-run", "say what would be made, and make nothing")
    .addHelpText("after", "\nThe key goes into the secret, and is never shown.")
    .action((template: string, name: string, options: Options) =>
      perform(async (cli) => {
        const { owner, for: life, dryRun = false } = options;
        const endsAfterMs = life === undefined ? undefined : lifeMs(life);
        const order = {
          ...{ template, name, dryRun },
          ...(owner !== undefined && { owner }),
          ...(endsAfterMs !== undefined && { endsAfterMs }),
        };
        const answer = await askAdmin(cli, { command: "issue", ...order });
        return { json: { type: "issue", ...answer }, lines: linesOf(answer) };
      }),
    );
};

function lifeMs(text: string): number {
  const ms = parseDuration(text);
  if (ms !== undefined) return ms;
  throw new CliFailure("--for takes a duration such as 30d, 12h or 90m", { exitCode: exitCodes.usage });
}

function linesOf(answer: Readonly<Record<string, unknown>>): readonly string[] {
  const { outcome, name, secretName, secretArn, keyId, provider, owner, endsAtMs, scopes, secondPerson } =
    answer;
  const ends = typeof endsAtMs === "number" ? `ends ${utcText(endsAtMs)}` : "ends when somebody retires it";
  const whose = owner === undefined ? "nobody answers for it" : `${String(owner)} answers for it`;
  if (outcome === "planned") {
    const may = Array.isArray(scopes) ? scopes.join(", ") : "whatever the account's settings allow";
    return [
      `would make a key of ${String(provider)} in a new secret ${String(secretName)}, as ${String(name)}`,
      `it may: ${may}`,
      `${whose}; it ${ends}`,
      ...(secondPerson === true ? ["a second person would have to approve it"] : []),
    ];
  }
  return [
    `${String(name)} is issued: key ${String(keyId)} of ${String(provider)}, in ${String(secretArn)}`,
    `${whose}; it ${ends}`,
    `end it sooner with: rekey retire ${String(name)} --reason "..."`,
  ];
}
