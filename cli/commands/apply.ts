import type { PlanStep } from "../../core/apply-plan.ts";
import type { PlacedMessage } from "../../events/policy-file/document.ts";
import { type PolicyText, parsePolicyFile } from "../../events/policy-text.ts";
import type { Applied } from "../../functions/admin/apply.ts";
import type { Answer } from "../../functions/admin/command.ts";
import { declaredKinds } from "../../providers/declared-kinds.ts";
import { stores } from "../../stores/index.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { table } from "../table.ts";
import { plural } from "../text.ts";

/** One round takes 15 seconds and handles about a hundred secrets. */
const roundsMax = 100;

export const apply: Register = (program, perform) => {
  program
    .command("apply")
    .option("--file <path>", "the policy file", "rekey.yml")
    .option("--dry-run", "check the file and show the plan, and change nothing")
    .action(({ file, dryRun = false }: { file: string; dryRun?: boolean }) =>
      perform(async (cli) => {
        const text = await readPolicyFile(cli, file);
        const parsed = parsePolicyFile(text, { kinds: declaredKinds, stores });
        if ("mistakes" in parsed) throw mistaken(cli, { file, mistakes: parsed.mistakes });
        if (dryRun) return showPlan(cli, parsed);
        return showApplied(await applyInRounds(cli, parsed.data));
      }),
    );
};

async function readPolicyFile({ terminal }: Cli, file: string): Promise<string> {
  try {
    return await terminal.readFile(file);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new CliFailure(`cannot read ${file} (${code})`, {
      hint: "name the policy file with --file, or begin with examples/rekey.yml",
      exitCode: exitCodes.usage,
    });
  }
}

function mistaken(
  { terminal }: Cli,
  { file, mistakes }: { readonly file: string; readonly mistakes: readonly PlacedMessage[] },
): CliFailure {
  for (const { line, column, message } of mistakes) terminal.err(`${file}:${line}:${column}: ${message}`);
  return new CliFailure(`${file} has ${plural(mistakes.length, "mistake")}, and nothing was applied`, {
    hint: "every field is described in docs/policy.md",
    exitCode: exitCodes.usage,
    facts: { mistakes },
  });
}

async function showPlan(cli: Cli, { policies, data }: PolicyText): Promise<Shown> {
  const secrets = policies.length;
  if ((await cli.reach()).admin === undefined) {
    const sound = `the file is valid: ${plural(secrets, "secret")}`;
    const lines = [sound, "set REKEY_ADMIN_URL to also see what would change"];
    return { json: { type: "apply", outcome: "sound", secrets }, lines };
  }
  const answer = await askAdmin(cli, { command: "apply", file: data, dryRun: true });
  const plan = answer["plan"] as readonly PlanStep[];
  const changes = plan.filter(({ action }) => action !== "unchanged");
  const rows = changes.map(({ action, kind, name, changed }) => [
    { create: "+", update: "~", remove: "-", unchanged: " " }[action],
    kind,
    name,
    changed.join(", "),
  ]);
  const unchanged = plan.length - changes.length;
  const last = `${plural(changes.length, "change")}, ${unchanged} unchanged; nothing was applied`;
  return { json: { type: "apply", ...answer }, lines: [table(rows), last] };
}

/** Many secrets take longer than one call may take. Each round continues where the last one stopped. */
async function applyInRounds(cli: Cli, file: unknown): Promise<Answer> {
  const done: Applied[] = [];
  for (let round = 0; round < roundsMax; round += 1) {
    const reached = done.map(({ secretArn }) => secretArn);
    const answer = await askAdmin(cli, { command: "apply", file, reached });
    const secrets = answer["secrets"] as readonly Applied[];
    done.push(...secrets.filter(({ outcome }) => outcome !== "notReached"));
    if (answer.outcome !== "notFinished") {
      const outcome = done.some((secret) => secret.outcome === "failed") ? "partly" : answer.outcome;
      return { ...answer, outcome, secrets: done };
    }
    const left = secrets.filter(({ outcome }) => outcome === "notReached").length;
    cli.terminal.err(`${plural(left, "secret")} still to come`);
  }
  throw new CliFailure(`not finished after ${roundsMax} rounds`, {
    hint: "run it again: it goes on where it stopped",
    exitCode: exitCodes.unreachable,
  });
}

function showApplied(answer: Answer): Shown {
  const secrets = answer["secrets"] as readonly Applied[];
  const failed = secrets.filter(({ outcome }) => outcome === "failed");
  const rows = secrets.map(({ name, outcome, keyId = "", reason = "" }) => [name, outcome, keyId || reason]);
  const last =
    failed.length === 0
      ? `${plural(secrets.length, "secret")} applied; no rotation was started`
      : `${plural(failed.length, "secret")} of ${secrets.length} could not be applied and keep what they had`;
  return {
    json: { type: "apply", ...answer },
    lines: [table(rows), last],
    ...(failed.length > 0 && { exitCode: exitCodes.refused }),
  };
}
