import type { Proof } from "../../audit/checkpoint.ts";
import { together } from "../../consumers/together.ts";
import { utcText } from "../../core/utc.ts";
import { chainsOf, isWorthALine } from "../audit-chains.ts";
import { exitCodes, type Register } from "../command.ts";
import { table } from "../table.ts";
import { plural } from "../text.ts";
import { auditEntries } from "./audit-entries.ts";

const atOnceMax = 8;

export const audit: Register = (program, perform) => {
  const log = program.command("audit");
  auditEntries(log, perform);
  log
    .command("verify")
    .description(
      "verify against the signed checkpoints that no entry was changed, removed or added; exit code 1 if one was",
    )
    .argument(
      "[secret]",
      "name, also of one that was taken out, or ARN; without one, every secret and the deployment's own log",
    )
    .action((named: string | undefined) =>
      perform(async (cli) => {
        const { ledger, audit: log, checkpoints } = await cli.reach();
        if (checkpoints === undefined) {
          const missing = "REKEY_AUDIT_BUCKET and REKEY_AUDIT_KEY_ID are not both set";
          cli.terminal.err(
            `rekey: checkpoints are not checked, so a log that was rewritten as a whole would pass: ${missing}`,
          );
        }
        const signed = await checkpoints?.();
        const proofs = signed ?? log;
        const anchored = (await signed?.chains()) ?? [];
        const verified = await together(await chainsOf(named, { ledger, anchored }), {
          atOnceMax,
          work: async ({ name, id }) => ({ name, secretArn: id, ...(await proofs.verify(id)) }),
        });
        const broken = verified.filter((chain) => !chain.verified);
        const entries = verified.reduce((sum, chain) => sum + chain.entries, 0);
        const rows = verified
          .filter((chain) => isWorthALine(chain.secretArn, chain))
          .map((chain) => [
            chain.verified || chain.name.includes(chain.secretArn)
              ? chain.name
              : `${chain.name} ${chain.secretArn}`,
            plural(chain.entries, "entry", "entries"),
            verdict(chain),
            ...(checkpoints === undefined ? [] : [coverage(chain)]),
          ]);
        return {
          json: {
            type: "audit",
            verified: broken.length === 0,
            entries,
            checkpointsRead: checkpoints !== undefined,
            chains: verified,
          },
          lines: [table(rows)],
          ...(broken.length > 0 && { exitCode: exitCodes.refused }),
        };
      }),
    );
};

function verdict(chain: Proof): string {
  return chain.verified ? "verified" : `BROKEN at entry ${chain.brokenAt}: ${chain.why}`;
}

/** Entries after the newest checkpoint are confirmed by the chain only. */
function coverage({ entries, checkpoint }: Proof): string {
  if (checkpoint === undefined) return entries === 0 ? "nothing to cover" : "no checkpoint yet";
  const { seq, atMs } = checkpoint;
  return `checkpoint ${seq} of ${utcText(atMs)} covers ${Math.min(seq, entries)} of ${plural(entries, "entry", "entries")}`;
}
