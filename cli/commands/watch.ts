import { together } from "../../consumers/together.ts";
import type { RotationId, SecretArn } from "../../core/ports.ts";
import { turnText } from "../../core/rotation/open.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { isReference } from "../../stores/index.ts";
import { CliFailure, type Register } from "../command.ts";
import { findSecret } from "../find-secret.ts";
import { type Watched, watchBoard } from "../watch/board.ts";
import { campaignBoard } from "../watch/campaign.ts";
import { fleetBoard } from "../watch/fleet.ts";
import { incidentBoard } from "../watch/incident.ts";
import { rotationBoard } from "../watch/rotation.ts";

const atOnceMax = 16;

export const watch: Register = (program, perform) => {
  program
    .command("watch")
    .argument(
      "[what]",
      "a rotation, a secret (its latest rotation), an incident or a campaign; without it, whatever is at work",
    )
    .option("--until-quiet", "without a name: end when no rotation and no incident is at work")
    .action((named: string | undefined, { untilQuiet = false }: { readonly untilQuiet?: boolean }) =>
      perform(async (cli) => {
        const board =
          named === undefined
            ? fleetBoard({ untilQuiet })
            : await whichBoard(named, (await cli.reach()).ledger);
        return watchBoard(cli, board);
      }),
    );
};

async function whichBoard(named: string, ledger: Ledger): Promise<Watched> {
  const policies = await ledger.policies();
  if (isReference(named) || policies.some(({ name }) => name === named)) {
    return rotationBoard(await latestOf(await findSecret(named, ledger), ledger));
  }
  if ((await ledger.campaigns.campaign(named)) !== undefined) return campaignBoard(named);
  if ((await ledger.incidents.incident(named)) !== undefined) return incidentBoard(named);
  const found = await together(policies, {
    atOnceMax,
    work: ({ secretArn }) => ledger.rotation(secretArn, named),
  });
  const rotation = found.find((each) => each !== undefined);
  if (rotation !== undefined) return rotationBoard(rotation);
  const records = await together(policies, { atOnceMax, work: ({ secretArn }) => ledger.secret(secretArn) });
  const turn = records.flatMap((record) => record.turn ?? []).find(({ rotationId }) => rotationId === named);
  if (turn !== undefined)
    throw new CliFailure(`${named} ${turnText(turn)}: it has not begun`, {
      hint: "run `rekey watch` without a name to see what is at work",
    });
  throw new CliFailure(
    `no rotation, no incident and no campaign is called ${JSON.stringify(named.slice(0, 100))}`,
    {
      hint: "name a secret instead, or see `rekey status` and `rekey incident list`",
    },
  );
}

interface Found {
  readonly secretArn: SecretArn;
  readonly rotationId: RotationId;
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
