import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { findSecret } from "../find-secret.ts";
import { recordsOf } from "../leave-records.ts";

interface Options {
  readonly all?: boolean;
  readonly to: string;
  readonly reason: string;
  readonly leaveKeys?: boolean;
}

export const leave: Register = (program, perform) => {
  program
    .command("leave")
    .argument("[secret]", "name in rekey.yml, or ARN")
    .option("--all", "every secret of the deployment, one after another")
    .requiredOption(
      "--to <folder>",
      "where ledger, audit log and certificates are written before anything is changed",
    )
    .requiredOption("--reason <text>", "why, for the audit log")
    .option("--leave-keys", "leave keys alive that are still to be revoked: you end them at the provider")
    .action((named: string | undefined, options: Options) => perform((cli) => leaveAll(cli, named, options)));
};

async function leaveAll(cli: Cli, named: string | undefined, options: Options): Promise<Shown> {
  const { all = false, to, reason, leaveKeys = false } = options;
  if (all === (named !== undefined))
    throw new CliFailure("name a secret, or --all", { exitCode: exitCodes.usage });
  const reach = await cli.reach();
  const { writeNew } = cli.terminal;
  if (writeNew === undefined) throw new CliFailure("no file can be written here");
  const { ledger } = reach;
  const policies = named === undefined ? await ledger.policies() : [await findSecret(named, ledger)];
  const answers: Record<string, unknown>[] = [];
  for (const policy of policies) {
    const { name, secretArn } = policy;
    for (const { path, text } of await recordsOf(policy, reach))
      await writeNew(`${to}/${policy.environment}/${name}/${path}`, text);
    answers.push(await left(cli, { secret: secretArn, name, reason, leaveKeys }));
  }
  const kept = answers.filter(({ outcome }) => outcome !== "left");
  return {
    json: { type: "leave", to, secrets: answers },
    lines: [...answers.map(lineOf), `what Rekey knew of them is in ${to}`],
    ...(kept.length > 0 && { exitCode: exitCodes.refused }),
  };
}

/** One that cannot be left now is named, and does not keep the others. */
async function left(
  cli: Cli,
  { name, ...order }: { secret: string; name: string; reason: string; leaveKeys: boolean },
): Promise<Record<string, unknown>> {
  try {
    return { ...(await askAdmin(cli, { command: "leave", ...order })) };
  } catch (error) {
    if (!(error instanceof CliFailure) || error.exitCode !== exitCodes.refused) throw error;
    return {
      outcome: "kept",
      name,
      why: error.message,
      ...(error.hint !== undefined && { hint: error.hint }),
    };
  }
}

function lineOf({ outcome, name, why, hint, keysLeft = [] }: Record<string, unknown>): string {
  if (outcome !== "left")
    return `${String(name)} is kept: ${String(why)}${hint === undefined ? "" : ` (${String(hint)})`}`;
  const alive = keysLeft as readonly string[];
  const rest = alive.length === 0 ? "" : `; still alive at the provider: ${alive.join(", ")}`;
  return `${String(name)} is left as its consumers use it${rest}`;
}
