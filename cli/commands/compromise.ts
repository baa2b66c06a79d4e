import { fingerprintsInPaste, namedValuesIn } from "../../events/fingerprint.ts";
import type { Foretold } from "../../functions/admin/compromise/preview.ts";
import type { Raised } from "../../functions/alerts/raise.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { type CampaignOptions, coversOf, orderCampaign } from "../order-campaign.ts";
import { incidentsOpened } from "./incident.ts";

interface Options extends CampaignOptions {
  readonly keyStdin?: boolean;
  readonly fingerprint?: string;
  readonly keyId?: string;
  readonly repo?: string;
  readonly consumer?: string;
  readonly providerAccount?: string;
  readonly reason: string;
  readonly public?: boolean;
  readonly where?: string;
  readonly plan?: string;
  readonly dryRun?: boolean;
}

const collect = (value: string, before: readonly string[] = []) => [...before, value];

export const compromise: Register = (program, perform) => {
  program
    .command("compromise")
    .argument("[secret]", "whose current key leaked: name in rekey.yml, or ARN")
    .option("--key-stdin", "the key itself, from a pipe or a hidden prompt; it is hashed here and not sent")
    .option("--key-id <id>", "which key of the secret, by its id at the provider")
    .option("--fingerprint <hash>", "sha256:, sha1: or hmsl: and the digits")
    .option(
      "--repo <name>",
      "every key that rekey.yml or an alert connects with a repository, such as acme/shop",
    )
    .option("--consumer <name>", "every key that a consumer uses")
    .option("--provider-account <name>", "every key of a provider account of rekey.yml")
    .option("--all", "a campaign: every key under Rekey")
    .option("--provider <account>", "a campaign: every key of a provider account of rekey.yml, in waves")
    .option("--environment <name>", "a campaign: every key of an environment")
    .option("--tag <key=value>", "a campaign: the key of every secret with this tag")
    .option("--destination <name>", "a campaign: every key that was copied to a place that was breached")
    .option("--file <path>", "a campaign: the key of every secret that the file names, one a line")
    .option(
      "--abused <secret>",
      "of a campaign: a stranger uses this one, so it waits for nobody; repeat it",
      collect,
    )
    .option("--own <arn>", "of a campaign: this admin credential leaked too; repeat it", collect)
    .option("--digest <sha256>", "open the campaign that its preview showed")
    .option("--reason <text>", "why, for the record", "reported by hand")
    .option("--public", "the key was public")
    .option("--where <place>", "address or file where it was found")
    .option("--plan <plan>", "contain-first or switch-first, instead of what the plan table says")
    .option("--dry-run", "show keys, consumers, reversibility and expected outage, and do nothing")
    .action((secret: string | undefined, options: Options) =>
      perform(async (cli) => report(cli, { secret, options })),
    );
};

async function report(
  cli: Cli,
  { secret, options }: { readonly secret: string | undefined; readonly options: Options },
): Promise<Shown> {
  const { reason, where, plan, dryRun = false } = options;
  const covers = await coversOf(cli, options);
  if (covers !== undefined) return orderCampaign(cli, { covers, options, secret });
  const answer = await askAdmin(cli, {
    ...{ command: "compromise", reason, dryRun },
    ...(await targetOf(cli, { secret, options })),
    ...(options.public && { exposure: "public" }),
    ...(where !== undefined && { where }),
    ...(plan !== undefined && { plan }),
  });
  if (dryRun) return foretold(answer["keys"] as readonly Foretold[]);
  const ids = Array.isArray(answer["incidentIds"]) ? answer["incidentIds"].map(String) : [];
  const parent = answer["parentId"] === undefined ? [] : [String(answer["parentId"])];
  const lines =
    parent.length > 0
      ? [`checklist ${parent[0]}`, ...incidentsOpened([...parent, ...ids])]
      : incidentsOpened(ids);
  return { json: { type: "compromise", ...answer }, lines: [...lines, ...joinedLines(answer)] };
}

function joinedLines({ joined, idle, plansRefused }: Readonly<Record<string, unknown>>): readonly string[] {
  const ids = Array.isArray(joined) ? joined.map(String) : [];
  const refused = (Array.isArray(plansRefused) ? plansRefused : []) as Raised["plansRefused"];
  return [
    ...(ids.length === 0 ? [] : [`joined, since the key has one already: ${ids.join(", ")}`]),
    ...(Array.isArray(idle) ? idle.map((why) => `nothing will happen here: ${why}`) : []),
    ...refused.map(({ incidentId, detail }) => `the plan of ${incidentId} stays as it is: ${detail}`),
  ];
}

async function targetOf(
  { terminal }: Cli,
  { secret, options }: { readonly secret: string | undefined; readonly options: Options },
): Promise<Readonly<Record<string, unknown>>> {
  const { fingerprint, keyId, repo, consumer, providerAccount, keyStdin } = options;
  const named = {
    ...(secret !== undefined && { secret }),
    ...(fingerprint !== undefined && { fingerprints: [fingerprint] }),
    ...(keyId !== undefined && { keyId }),
    ...(repo !== undefined && { repository: repo }),
    ...(consumer !== undefined && { consumer }),
    ...(providerAccount !== undefined && { account: providerAccount }),
  };
  if (!keyStdin) return named;
  // Every form that the key may have, so that a name, quotes or base64 around it do not hide it.
  const pasted = await terminal.readHidden("the leaked key (not shown, not sent): ");
  if (namedValuesIn(pasted).length > 1) {
    const hint = "pipe the one line that leaked; each key of a file has to be reported";
    throw new CliFailure("that names several values", { exitCode: exitCodes.usage, hint });
  }
  const values = fingerprintsInPaste(pasted);
  if (values.length > 0) return { ...named, fingerprints: values };
  throw new CliFailure("that is too short for a key", {
    exitCode: exitCodes.usage,
    hint: "pipe the whole key: rekey compromise --key-stdin < file",
  });
}

function foretold(keys: readonly Foretold[]): Shown {
  const lines = keys.flatMap((key) => [
    key.key === "unknown"
      ? `no key that Rekey knows matches this ${key.match}`
      : `key ${key.key}, found by ${key.match}`,
    `  plan: ${key.plan} (${key.planWhy})`,
    ...(key.own === undefined && key.secrets.length === 0 ? ["  no secret under Rekey holds it"] : []),
    ...key.secrets.map(({ name, environment, state }) => `  held by ${name} in ${environment}: ${state}`),
    `  ${key.reversible}`,
    ...key.consumers.map(({ name, environment, outage }) => `  ${name} in ${environment}: outage ${outage}`),
  ]);
  return {
    json: { type: "compromise", outcome: "dryRun", keys },
    lines: [...lines, "nothing was done; leave --dry-run away to go on"],
  };
}
