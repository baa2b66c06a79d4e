import { askAdmin } from "../ask-admin.ts";
import { campaignLines, campaignTable } from "../campaign-view.ts";
import { type Cli, CliFailure, type Register, type Shown } from "../command.ts";

export const campaign: Register = (program, perform) => {
  const command = program.command("campaign");
  command.action(() => perform(list));
  command.command("list").action(() => perform(list));
  command
    .command("show")
    .argument("<campaign>", "its id, such as c-81f2")
    .option("--all", "every key, and not only those that are not contained or need people")
    .action((id: string, { all = false }: { readonly all?: boolean }) =>
      perform((cli) => show(cli, { id, all })),
    );
  for (const word of ["pause", "resume"] as const)
    command
      .command(word)
      .argument("<campaign>", "its id")
      .requiredOption("--reason <text>", "why, for the record")
      .action((id: string, { reason }: { readonly reason: string }) =>
        perform(async (cli) => {
          const answer = await askAdmin(cli, { command: `campaign-${word}`, campaign: id, reason });
          return { json: { type: "campaign", ...answer }, lines: [`campaign ${id} is ${answer.outcome}`] };
        }),
      );
  command
    .command("clean")
    .argument("<destination>", "the place that was breached, as the deployment names it")
    .requiredOption("--reason <text>", "how you know that nobody else reads there any more")
    .action((destination: string, { reason }: { readonly reason: string }) =>
      perform(async (cli) => {
        const answer = await askAdmin(cli, { command: "campaign-clean", destination, reason });
        const lines = [`${destination} counts as clean: copies are written there again`];
        return { json: { type: "campaign", ...answer }, lines };
      }),
    );
};

async function list(cli: Cli): Promise<Shown> {
  const { ledger, nowMs } = await cli.reach();
  const [campaigns, breaches] = await Promise.all([
    ledger.campaigns.campaigns(),
    ledger.campaigns.breaches(),
  ]);
  const newest = campaigns.toSorted((one, other) => other.openedAtMs - one.openedAtMs);
  const breached = breaches.map(
    ({ destination, campaignId }) =>
      `nothing is written to ${destination} (${campaignId}): rekey campaign clean ${destination} --reason TEXT`,
  );
  return {
    json: { type: "campaigns", campaigns: newest, breaches },
    lines: [...(newest.length === 0 ? ["no campaign"] : [campaignTable(newest, nowMs())]), ...breached],
  };
}

async function show(cli: Cli, { id, all }: { readonly id: string; readonly all: boolean }): Promise<Shown> {
  const { ledger, nowMs } = await cli.reach();
  const found = await ledger.campaigns.campaign(id);
  if (found === undefined)
    throw new CliFailure(`there is no campaign ${JSON.stringify(id.slice(0, 100))}`, {
      hint: "see them with `rekey campaign list`",
    });
  const keys = await ledger.campaigns.keysOf(id);
  const lines = campaignLines({ campaign: found, keys, nowMs: nowMs(), all });
  return { json: { type: "campaign", campaign: found, keys }, lines };
}
