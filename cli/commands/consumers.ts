import type { Register } from "../command.ts";
import { consumerView } from "../consumer-view.ts";
import { findSecret } from "../find-secret.ts";

export const consumers: Register = (program, perform) => {
  program
    .command("consumers")
    .argument("<secret>", "name in rekey.yml, or ARN")
    .action((named: string) =>
      perform(async (cli) => {
        const { ledger, nowMs } = await cli.reach();
        const policy = await findSecret(named, ledger);
        const { secretArn, name } = policy;
        const record = await ledger.secret(secretArn);
        const rotation = record.lease && (await ledger.rotation(secretArn, record.lease.runId));
        const evidence = await ledger.evidence(secretArn);
        const { seen, lines } = consumerView({ policy, record, rotation, evidence, nowMs: nowMs() });
        const gate = rotation?.gate;
        return {
          json: { type: "consumers", secret: name, secretArn, consumers: seen, ...(gate && { gate }) },
          lines,
        };
      }),
    );
};
