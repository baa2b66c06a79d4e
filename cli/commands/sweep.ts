import type { Swept } from "../../functions/upkeep/swept.ts";
import { exitCodes, type Register } from "../command.ts";
import { plural } from "../text.ts";

export const sweep: Register = (program, perform) => {
  program
    .command("sweep")
    .option("--dry-run", "look, and change nothing")
    .action(({ dryRun = false }: { dryRun?: boolean }) =>
      perform(async (cli) => {
        const swept = await (await cli.reach()).sweep(dryRun);
        return {
          json: { type: "sweep", ...swept },
          lines: linesOf(swept),
          ...(swept.failed > 0 && { exitCode: exitCodes.refused }),
        };
      }),
    );
};

/** What was found, worst first. */
function linesOf(swept: Swept): readonly string[] {
  const did = swept.outcome === "wouldSweep" ? "would be" : "were";
  const found: readonly (readonly [number, string])[] = [
    [
      swept.spent,
      `${plural(swept.spent, "secret")} have a retiring, dead or compromised key in AWSCURRENT: look now`,
    ],
    [
      swept.astray,
      `${plural(swept.astray, "copy", "copies")} changed outside Rekey, or out of use: see the event CopyAstray`,
    ],
    [
      swept.failed,
      `${plural(swept.failed, "secret or account", "secrets or accounts")} could not be looked at`,
    ],
    [swept.unrecorded, `${plural(swept.unrecorded, "key")} at a provider without any record: left alone`],
    [swept.settled, `${plural(swept.settled, "run")} ${did} settled whose execution had ended`],
    [swept.resumed, `${plural(swept.resumed, "debt")} ${did} resumed by a new run`],
    [swept.discarded, `${plural(swept.discarded, "stray key")} ${did} discarded`],
    [
      swept.strays - swept.discarded,
      `${plural(swept.strays - swept.discarded, "stray key")} too young to discard`,
    ],
    [swept.labels, `${plural(swept.labels, "label")} ${did} taken off`],
    [swept.openDebt, `${plural(swept.openDebt, "debt")} still open`],
  ];
  const lines = found.filter(([count]) => count > 0).map(([, line]) => line);
  const all = `${plural(swept.secrets, "secret")} looked at`;
  return [...lines, lines.length === 0 ? `${all}: nothing is left over` : all];
}
