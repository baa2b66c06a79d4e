import type { Proof } from "../../audit/checkpoint.ts";
import { utcText } from "../../core/utc.ts";
import { inTurns } from "../../functions/admin/in-turns.ts";
import { deploymentChain } from "../../functions/admin/scope.ts";
import { intakeLog } from "../../functions/intake-ports.ts";
import { exitCodes, type Register } from "../command.ts";
import { findSecret } from "../find-secret.ts";
import { columns, plural } from "../text.ts";

const atOnceMax = 8;

export const audit: Register = (program, perform) => {
  program
    .command("audit")
    .description("the log of everything that was done")
    .command("verify")
    .description(
      "prove that no entry was changed, left out or put in, against the signed checkpoints; exit code 1 when one was",
    )
    .argument("[secret]", "name in rekey.yml, or ARN; without one, every secret and the deployment's own log")
    .action((named: string | undefined) =>
      perform(async (cli) => {
        const { ledger, audit: log, checkpoints } = await cli.reach();
        if (checkpoints === undefined) {
          const missing = "REKEY_AUDIT_BUCKET and REKEY_AUDIT_KEY_ID are not both set";
          cli.terminal.err(
            `rekey: checkpoints are not looked at, so a log rewritten as a whole would pass: ${missing}`,
          );
        }
        const policies = named === undefined ? await ledger.policies() : [await findSecret(named, ledger)];
        const chains = policies.map(({ name, secretArn }) => ({ name, id: secretArn }));
        if (named === undefined) {
          const known = new Set(chains.map(({ id }) => id));
          const former = (await ledger.formerSecrets()).filter(({ secretArn }) => !known.has(secretArn));
          chains.push(...former.map(({ name, secretArn }) => ({ name: `${name} (removed)`, id: secretArn })));
          chains.push({ name: "(deployment)", id: deploymentChain }, { name: "(intake)", id: intakeLog });
        }
        const verified = await inTurns(chains, {
          atOnceMax,
          work: async ({ name, id }) => ({ name, secretArn: id, ...(await (checkpoints ?? log).verify(id)) }),
        });
        const broken = verified.filter((chain) => !chain.verified);
        const entries = verified.reduce((sum, chain) => sum + chain.entries, 0);
        const rows = verified.map((chain) => [
          chain.name,
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
          lines: columns(rows),
          ...(broken.length > 0 && { exitCode: exitCodes.refused }),
        };
      }),
    );
};

function verdict(chain: Proof): string {
  return chain.verified ? "verified" : `BROKEN at entry ${chain.brokenAt}: ${chain.why}`;
}

/** What is behind the newest checkpoint stands on the chain alone. */
function coverage({ entries, checkpoint }: Proof): string {
  if (checkpoint === undefined) return entries === 0 ? "nothing to cover" : "no checkpoint yet";
  const { seq, atMs } = checkpoint;
  return `checkpoint ${seq} of ${utcText(atMs)} covers ${Math.min(seq, entries)} of ${plural(entries, "entry", "entries")}`;
}
