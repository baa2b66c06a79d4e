import { gradeTexts } from "../../core/discovery/grade.ts";
import { utcText } from "../../core/utc.ts";
import type { Looked } from "../../functions/adapters/scope/trail.ts";
import type { ExaminedProvider } from "../../functions/admin/examine.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { countsOf, draftOf, type KnownAccount } from "../discover/draft.ts";
import { readPolicyFiles } from "../policy-files.ts";
import { plural } from "../text.ts";

interface Options {
  readonly prefix?: string;
  readonly environment: string;
  readonly days: string;
  readonly minutes: string;
  readonly providers?: string;
  readonly listings?: boolean;
}

/** CloudTrail's event history goes no further back. */
const daysMax = 90;
const minutesMax = 120;

export const discover: Register = (program, perform) => {
  program
    .command("discover")
    .option("--prefix <text>", "only secrets whose names begin with it")
    .option("--environment <name>", "of the draft", "production")
    .option("--days <number>", "how far back to read who read each secret; 0 leaves it out", String(daysMax))
    .option("--minutes <number>", "how long that may take: CloudTrail gives two pages a second", "10")
    .option("--providers <file>", "a policy file whose provider accounts the draft takes over")
    .option(
      "--listings",
      "also ask the deployment how many keys the providers list that no secret of it holds",
    )
    .action((options: Options) => perform((cli) => draft(cli, options)));
};

async function draft(cli: Cli, options: Options): Promise<Shown> {
  const { prefix, environment } = options;
  const days = numberIn(options.days, { max: daysMax, of: "--days" });
  const withinMs = numberIn(options.minutes, { max: minutesMax, of: "--minutes" }) * 60_000;
  const account = await cli.account();
  const secrets = await account.secrets(prefix);
  cli.terminal.err(`${plural(secrets.length, "secret")} found`);
  const looked = days === 0 ? undefined : await account.reads({ days, withinMs });
  if (looked !== undefined && looked.ended !== "complete") cli.terminal.err(shortText(looked));
  const known = await knownAccounts(cli, options);
  const isOwn = (principal: string) => ownRole.test(principal);
  const made = draftOf({ secrets, looked, environment, known, isOwn });
  const counts = countsOf(made.secrets);
  for (const [grade, count] of Object.entries(counts))
    cli.terminal.err(`${count} ${gradeTexts[grade as keyof typeof gradeTexts]}`);
  return {
    json: {
      type: "discover",
      ...{ environment, counts, secrets: made.secrets, draft: made.text },
      records: looked === undefined ? "notRead" : looked.ended,
    },
    isFile: true,
    lines: made.text.trimEnd().split("\n"),
  };
}

/** What the deployment calls the roles of its functions: serverless/roles.ts. */
const ownRole = /:role\/(?:[\w+=,.@/-]+\/)?rekey-[\w-]+$/;

function shortText({ ended, reachedBackToMs, error }: Looked): string {
  return ended === "failed"
    ? `CloudTrail could not be read (${error ?? "unknown"}): who reads each secret is not known`
    : `CloudTrail was read back to ${utcText(reachedBackToMs)} only: give it more --minutes, or fewer --days`;
}

function numberIn(text: string, { max, of }: { readonly max: number; readonly of: string }): number {
  const number = Number(text);
  if (Number.isInteger(number) && number >= 0 && number <= max) return number;
  throw new CliFailure(`${of} is a number up to ${max}`, { exitCode: exitCodes.usage });
}

async function knownAccounts(cli: Cli, options: Options): Promise<readonly KnownAccount[]> {
  if (options.providers === undefined) return [];
  const { files, providers } = await accountsIn(cli, options.providers);
  if (options.listings !== true || files === 0) return providers;
  const answer = await askAdmin(cli, { command: "examine" });
  const examined = answer["providers"] as readonly ExaminedProvider[];
  return providers.map((account) => {
    const found = examined.find((each) => each.account === account.name);
    return found?.unheld === undefined ? account : { ...account, listing: listingText(found) };
  });
}

function listingText({ listed = 0, unheld = [] }: ExaminedProvider): string {
  const some = unheld
    .slice(0, 5)
    .map(({ keyId }) => keyId)
    .join(", ");
  const more = unheld.length > 5 ? ", …" : "";
  const none =
    unheld.length === 0
      ? "each is held by a secret of this deployment"
      : `${unheld.length} in no secret of this deployment: ${some}${more}`;
  return `it lists ${plural(listed, "key")}, ${none}`;
}

async function accountsIn(cli: Cli, path: string) {
  const { files, policies } = await readPolicyFiles(cli, [path]);
  const declared = files.flatMap(({ data }) => Object.entries(providersIn(data)));
  const providers = declared.map(([name, { kind, ...settings }]): KnownAccount => {
    return { name, kind: String(kind), settings };
  });
  return { files: policies.length, providers };
}

function providersIn(data: unknown): Readonly<Record<string, Readonly<Record<string, unknown>>>> {
  const block = data as { readonly providers?: Readonly<Record<string, Readonly<Record<string, unknown>>>> };
  return block.providers ?? {};
}
