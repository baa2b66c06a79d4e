import { askAdmin } from "./ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Shown } from "./command.ts";
import { readText } from "./read-text.ts";
import { plural } from "./text.ts";

/** What says that a campaign is meant, and what belongs to it. */
export interface CampaignOptions {
  readonly all?: true;
  readonly provider?: string;
  readonly environment?: string;
  readonly tag?: string;
  readonly destination?: string;
  readonly file?: string;
  readonly abused?: readonly string[];
  readonly own?: readonly string[];
  readonly digest?: string;
  readonly reason: string;
  readonly public?: boolean;
  readonly where?: string;
  readonly plan?: string;
  readonly dryRun?: boolean;
}

/** What opens a campaign; undefined for one key, or for the keys of a checklist. */
export async function coversOf(
  cli: Cli,
  options: CampaignOptions,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  const { all, provider, environment, tag, destination, file } = options;
  const given = [all, provider, environment, tag, destination, file].filter((each) => each !== undefined);
  if (given.length === 0) return undefined;
  if (given.length > 1)
    throw new CliFailure(
      "one campaign covers one thing: --all, --provider, --environment, --tag, --destination or --file",
      {
        exitCode: exitCodes.usage,
      },
    );
  if (tag !== undefined) return { secrets: await tagged(cli, tag), listedBy: `tag ${tag}` };
  if (file !== undefined)
    return { secrets: namesIn(await readText(cli, file)), listedBy: `file ${file}`.slice(0, 100) };
  return {
    ...(all && { all }),
    ...(provider !== undefined && { provider }),
    ...(environment !== undefined && { environment }),
    ...(destination !== undefined && { destination }),
  };
}

export async function orderCampaign(
  cli: Cli,
  order: {
    readonly covers: Readonly<Record<string, unknown>>;
    readonly options: CampaignOptions;
    readonly secret?: string | undefined;
  },
): Promise<Shown> {
  const { covers, options, secret } = order;
  const {
    abused = [],
    own = [],
    reason,
    digest,
    where,
    plan,
    exposed,
    dryRun,
  } = { ...options, exposed: options.public };
  if (secret !== undefined || where !== undefined || plan !== undefined || exposed)
    throw new CliFailure(
      "a campaign takes no secret, --where, --plan or --public: each key has its own plan",
      {
        exitCode: exitCodes.usage,
        hint: "name a key that a stranger uses with --abused",
      },
    );
  const confirmed = digest !== undefined && dryRun !== true ? { digest } : {};
  const answer = await askAdmin(cli, { command: "campaign", ...covers, abused, own, reason, ...confirmed });
  return campaignOrdered(answer, "the same command");
}

/** The tags are in Secrets Manager, and are read as the caller; a secret that no policy is about is left out. */
async function tagged(cli: Cli, tag: string): Promise<readonly string[]> {
  const [, key = "", value = ""] = /^([^=]{1,128})=(.{0,256})$/.exec(tag) ?? [];
  if (key === "") throw new CliFailure("a tag is written as key=value", { exitCode: exitCodes.usage });
  const [secrets, policies] = await Promise.all([
    cli.account().then((account) => account.secrets(undefined)),
    cli.reach().then(({ ledger }) => ledger.policies()),
  ]);
  const known = new Set(policies.map(({ secretArn }) => secretArn));
  const found = secrets
    .filter(({ arn, tags }) => tags[key] === value && known.has(arn))
    .map(({ arn }) => arn);
  if (found.length === 0) throw new CliFailure(`no secret under Rekey has the tag ${tag.slice(0, 200)}`);
  return found;
}

function namesIn(text: string): readonly string[] {
  const lines = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  return [...new Set(lines.filter((line) => line !== ""))];
}

/** The preview of `rekey compromise --all` and the like, or what became of it. */
function campaignOrdered(answer: Readonly<Record<string, unknown>>, again: string): Shown {
  const json = { type: "campaign", ...answer };
  const id = String(answer["campaignId"]);
  if (answer["outcome"] === "opened")
    return { json, lines: [`campaign ${id} is open`, `follow it with: rekey watch ${id}`] };
  const keys = answer["keys"] as readonly Readonly<Record<string, string | number>>[];
  const counts = new Map<string, number>();
  for (const { account, wave } of keys)
    for (const word of [`account ${account}`, `wave ${wave}`]) counts.set(word, (counts.get(word) ?? 0) + 1);
  const shown = keys.slice(0, keysShownMax).map((key) => {
    const { place, name, environment, plan, wave, why, person } = key;
    const then = person === undefined ? "" : `; a person: ${person}`;
    return `  ${place} ${name} in ${environment} (${wave}, ${plan}): ${why}${then}`;
  });
  const more = keys.length - shown.length;
  return {
    json,
    lines: [
      `${String(answer["title"])}: ${plural(keys.length, "key")}, the most dangerous first`,
      ...shown,
      ...(more > 0 ? [`  and ${more} more; all of them with --json`] : []),
      ...[...counts].map(([word, count]) => `  ${word}: ${plural(count, "key")}`),
      "nothing was done; to open the campaign, confirm exactly this with:",
      `  ${again} --digest ${String(answer["digest"])}`,
    ],
  };
}

const keysShownMax = 40;
