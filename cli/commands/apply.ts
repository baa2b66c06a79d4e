import type { FieldChange, PlanStep } from "../../core/apply-plan.ts";
import type { AppliedFederated } from "../../functions/admin/apply/apply-federated.ts";
import type { Applied } from "../../functions/admin/apply/one-secret.ts";
import type { Answer } from "../../functions/admin/command.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { firingsText } from "../firings.ts";
import { type ReadFiles, readPolicyFiles } from "../policy-files.ts";
import { type Line, table } from "../table.ts";
import { plural } from "../text.ts";

/** One round handles a hundred secrets, or as many as it can in 15 seconds. */
const roundsMax = 500;
/** Of one round that the function did not answer, because it ran into its time limit or was throttled. */
const triesMax = 3;

interface Options {
  readonly dryRun?: boolean;
  readonly prune?: boolean;
  readonly replaces?: readonly string[];
}

export const apply: Register = (program, perform) => {
  program
    .command("apply")
    .argument("[files...]", "policy files, or folders of them (default: rekey.yml)")
    .option("--dry-run", "check all that apply checks and show what would change, and change nothing")
    .option("--prune", "remove the secrets that these files declared before and no longer do")
    .option("--replaces <names...>", "names of files whose secrets these files take over")
    .action((named: readonly string[], { dryRun = false, prune = false, replaces = [] }: Options) =>
      perform(async (cli) => {
        const read = await readPolicyFiles(cli, named);
        if (dryRun && (await cli.reach()).admin === undefined) return onlyChecked(read);
        const order = { command: "apply", files: read.files, prune, replaces };
        const answer = await applyInRounds(cli, dryRun ? { ...order, dryRun } : order);
        return dryRun ? showPlan(answer, { ...read, nowMs: cli.terminal.nowMs() }) : showApplied(answer);
      }),
    );
};

function onlyChecked({ files, policies, federated }: ReadFiles): Shown {
  const what = files.length === 1 ? "the file is" : `the ${files.length} files are`;
  const count = policies.length + federated.length;
  const sound = `${what} valid: ${plural(count, "secret")}`;
  const lines = [sound, "set REKEY_ADMIN_URL to also see what would change"];
  return { json: { type: "apply", outcome: "sound", secrets: count }, lines };
}

/** Many secrets take longer than one call may take. Each round continues where the last one stopped. */
async function applyInRounds(cli: Cli, order: Readonly<Record<string, unknown>>): Promise<Answer> {
  const done: Applied[] = [];
  const plan = new Map<string, PlanStep>();
  let held: unknown;
  for (let round = 0; round < roundsMax; round += 1) {
    const reached = done.map(({ secretArn }) => secretArn);
    const answer = await askRound(cli, { ...order, reached, ...(held !== undefined && { held }) });
    const secrets = answer["secrets"] as readonly Applied[];
    held = answer["held"];
    done.push(...secrets.filter(({ outcome }) => outcome !== "notReached"));
    for (const step of (answer["plan"] ?? []) as readonly PlanStep[])
      plan.set(JSON.stringify([step.kind, step.secretArn, step.name]), step);
    if (answer.outcome !== "notFinished") {
      const hasFailed = done.some((secret) => secret.outcome === "failed");
      const outcome = answer.outcome !== "planned" && hasFailed ? "partly" : answer.outcome;
      const { held: _, ...rest } = answer;
      return { ...rest, outcome, secrets: done, ...("plan" in rest && { plan: policiesFirst(plan) }) };
    }
    const left = secrets.filter(({ outcome }) => outcome === "notReached");
    const [waitsFor] = left.flatMap(({ reason }) => reason ?? []);
    const why = waitsFor === undefined ? "" : `: ${waitsFor}`;
    cli.terminal.err(`${plural(left.length, "secret")} still to come${why}`);
  }
  throw new CliFailure(`not finished after ${roundsMax} rounds`, {
    hint: "run it again: it goes on where it stopped",
    exitCode: exitCodes.unreachable,
  });
}

/** A repeat is safe: what was applied before the function was cut off is found unchanged. */
async function askRound(cli: Cli, order: Readonly<Record<string, unknown>>): Promise<Answer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await askAdmin(cli, order);
    } catch (error) {
      const isTransient = error instanceof CliFailure && error.exitCode === exitCodes.unreachable;
      if (!isTransient || tries === triesMax) throw error;
      cli.terminal.err(`${error.message}: asking again`);
    }
  }
}

function policiesFirst(plan: ReadonlyMap<string, PlanStep>): readonly PlanStep[] {
  return [...plan.values()].sort((one, other) => one.kind.localeCompare(other.kind));
}

const signs = { create: "+", update: "~", remove: "-", left: "!", unchanged: " " } as const;

/** The next times at which a new or changed schedule fires. */
function nextLines(
  { kind, action, secretArn }: PlanStep,
  { policies, nowMs }: Asked,
): readonly (readonly string[])[] {
  const policy = policies.find((each) => each.secretArn === secretArn);
  if (kind !== "schedule" || policy === undefined || (action !== "create" && action !== "update")) return [];
  return [["", "", "", `fires ${firingsText(policy, nowMs)}`]];
}

type Asked = Pick<ReadFiles, "policies"> & { readonly nowMs: number };

function showPlan(answer: Answer, asked: Asked): Shown {
  const plan = answer["plan"] as readonly PlanStep[];
  const secrets = answer["secrets"] as readonly Applied[];
  const shown = plan.filter(({ action }) => action !== "unchanged");
  const keyless = keylessOf(answer);
  const rows = shown.flatMap((step) => [
    [signs[step.action], step.kind, step.name, ""],
    ...step.changes.map((change) => ["", "", "", changeText(change)]),
    ...nextLines(step, asked),
  ]);
  const failed = secrets.filter(({ outcome }) => outcome === "failed");
  const refused = failed.map(({ name, reason = "" }) => [name, reason]);
  const shownKeyless = keyless.filter(({ outcome }) => outcome !== "unchanged");
  const changes = [...shown.map(({ action }) => action), ...shownKeyless.map(({ outcome }) => outcome)];
  const count = changes.filter((what) => what !== "left").length;
  const unchanged = plan.length + keyless.length - changes.length;
  const last = `${plural(count, "change")}, ${unchanged} unchanged; nothing was applied`;
  const lines: Line[] = [
    table([
      ...rows,
      ...shownKeyless.map(({ name, outcome, text }) => [keylessSigns[outcome], "federated", name, text]),
    ]),
    ...leftLines(secrets),
    ...pausedLines(secrets),
    ...observedLines(secrets),
    ...(failed.length > 0
      ? [`${plural(failed.length, "secret")} could not be applied:`, table(refused)]
      : []),
    last,
  ];
  return {
    json: { type: "apply", ...answer },
    lines,
    ...(failed.length > 0 && { exitCode: exitCodes.refused }),
  };
}

const keylessSigns = { created: "+", updated: "~", removed: "-", left: "!", unchanged: " " } as const;

function keylessOf(answer: Answer): readonly AppliedFederated[] {
  return (answer["federated"] ?? []) as readonly AppliedFederated[];
}

function changeText({ field, before = "(none)", after = "(none)" }: FieldChange): string {
  return `${field}: ${before} -> ${after}`;
}

function leftLines(secrets: readonly Applied[]): readonly string[] {
  const left = secrets.filter(({ outcome }) => outcome === "left").map(({ name }) => name);
  if (left.length === 0) return [];
  return [`no longer in its file, and kept: ${left.join(", ")}; --prune removes what is marked with !`];
}

function pausedLines(secrets: readonly Applied[]): readonly string[] {
  const declared = secrets.filter(({ outcome }) => ["created", "updated", "unchanged"].includes(outcome));
  return declared.flatMap(({ name, reason }) => (reason === undefined ? [] : [`${name}: ${reason}`]));
}

/** What `mode: observe` showed, where the secret is rotated from now on. */
function observedLines(secrets: readonly Applied[]): readonly string[] {
  return secrets.flatMap(({ name, observed }) => (observed === undefined ? [] : [`${name} was ${observed}`]));
}

function showApplied(answer: Answer): Shown {
  const secrets = answer["secrets"] as readonly Applied[];
  const failed = secrets.filter(({ outcome }) => outcome === "failed");
  const rows = secrets.map(({ name, outcome, keyId, reason }) => [
    name,
    outcome,
    [keyId, reason].filter((text) => text !== undefined).join("; "),
  ]);
  const keyless = keylessOf(answer);
  const last =
    failed.length === 0
      ? `${plural(secrets.length + keyless.length, "secret")} applied; no rotation was started`
      : `${plural(failed.length, "secret")} of ${secrets.length} could not be applied and keep what they had`;
  return {
    json: { type: "apply", ...answer },
    lines: [
      table([...rows, ...keyless.map((each) => [each.name, each.outcome, each.text])]),
      ...observedLines(secrets),
      last,
    ],
    ...(failed.length > 0 && { exitCode: exitCodes.refused }),
  };
}
