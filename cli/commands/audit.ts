import type { Verification } from "../../audit/verify-chain.ts";
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
    .description("prove that no entry was changed, left out or put in; exit code 1 when one was")
    .argument("[secret]", "name in rekey.yml, or ARN; without one, every secret and the deployment's own log")
    .action((named: string | undefined) =>
      perform(async (cli) => {
        const { ledger, audit: log } = await cli.reach();
        const policies = named === undefined ? await ledger.policies() : [await findSecret(named, ledger)];
        const chains = policies.map(({ name, secretArn }) => ({ name, id: secretArn }));
        if (named === undefined) {
          chains.push({ name: "(deployment)", id: deploymentChain }, { name: "(intake)", id: intakeLog });
        }
        const verified = await inTurns(chains, {
          atOnceMax,
          work: async ({ name, id }) => ({ name, secretArn: id, ...(await log.verify(id)) }),
        });
        const broken = verified.filter((chain) => !chain.verified);
        const entries = verified.reduce((sum, chain) => sum + chain.entries, 0);
        const rows = verified.map((chain) => [
          chain.name,
          plural(chain.entries, "entry", "entries"),
          verdict(chain),
        ]);
        return {
          json: { type: "audit", verified: broken.length === 0, entries, chains: verified },
          lines: columns(rows),
          ...(broken.length > 0 && { exitCode: exitCodes.refused }),
        };
      }),
    );
};

function verdict(chain: Verification): string {
  return chain.verified ? "verified" : `BROKEN at entry ${chain.brokenAt}: ${chain.why}`;
}
