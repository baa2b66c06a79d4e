import { together } from "../../consumers/together.ts";
import type { RotationId, SecretArn } from "../../core/ports.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { isReference } from "../../stores/index.ts";
import { CliFailure, type Register } from "../command.ts";
import { findSecret } from "../find-secret.ts";
import { follow } from "../follow.ts";

const atOnceMax = 16;

export const watch: Register = (program, perform) => {
  program
    .command("watch")
    .argument("<rotation>", "id of a rotation, or the secret whose latest one is meant")
    .action((named: string) =>
      perform(async (cli) => follow(cli, await whichRotation(named, (await cli.reach()).ledger))),
    );
};

interface Found {
  readonly secretArn: SecretArn;
  readonly rotationId: RotationId;
}

async function whichRotation(named: string, ledger: Ledger): Promise<Found> {
  const policies = await ledger.policies();
  if (isReference(named) || policies.some(({ name }) => name === named)) {
    return latestOf(await findSecret(named, ledger), ledger);
  }
  const found = await together(policies, {
    atOnceMax,
    work: ({ secretArn }) => ledger.rotation(secretArn, named),
  });
  const rotation = found.find((each) => each !== undefined);
  if (rotation !== undefined) return { secretArn: rotation.secretArn, rotationId: rotation.rotationId };
  throw new CliFailure(`no rotation is called ${JSON.stringify(named.slice(0, 100))}`, {
    hint: "name its secret instead, or see `rekey status`",
  });
}

async function latestOf(
  { secretArn, name }: { secretArn: SecretArn; name: string },
  ledger: Ledger,
): Promise<Found> {
  const { lease } = await ledger.secret(secretArn);
  if (lease !== undefined) return { secretArn, rotationId: lease.runId };
  const rotations = await ledger.rotations(secretArn);
  const [latest] = [...rotations].sort((a, b) => b.openedAtMs - a.openedAtMs);
  if (latest !== undefined) return { secretArn, rotationId: latest.rotationId };
  throw new CliFailure(`${name} has never been rotated`, { hint: `start one with \`rekey rotate ${name}\`` });
}
