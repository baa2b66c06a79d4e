import { together } from "../../consumers/together.ts";
import type { Policy } from "../../core/policy.ts";
import { currentKey } from "../../core/rotation/secret-record.ts";
import { type KitEntry, newestKitAt } from "../../functions/sealed-kit/entries.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Reach, type Register } from "../command.ts";
import { type Examination, type Finding, findingsIn, type SecretView } from "../findings.ts";
import { type Held, heldIn, readHeld, sharedWithOthers } from "../other-environments.ts";
import { readTemplate } from "../template.ts";
import { plural } from "../text.ts";
import { untagged, wantedTags } from "../wanted-tags.ts";
import { wideGrants } from "../wide-grants.ts";

const atOnceMax = 16;

export const doctor: Register = (program, perform) => {
  program
    .command("doctor")
    .option(
      "--with <files...>",
      "what `rekey doctor --json` printed for other environments, to find keys that they share",
    )
    .action(({ with: files = [] }: { readonly with?: readonly string[] }) =>
      perform(async (cli) => {
        const reach = await cli.reach();
        const { ledger } = reach;
        const examination = await examine(cli, reach);
        const work = (policy: Policy) => viewOf(policy, ledger);
        const policies = await ledger.policies();
        const secrets = await together(policies, { atOnceMax, work });
        const held = heldIn(secrets);
        const [debts, stops] = [await ledger.debts(), await ledger.stops()];
        const kit = await ledger.documents.read<KitEntry>(newestKitAt);
        const view = { nowMs: reach.nowMs(), secrets, debts, stops, examination, kit };
        const findings = [
          ...findingsIn(view),
          ...sharedWithOthers(held, await othersIn(cli, files)),
          ...(await tagsOf(cli, reach, policies)),
          ...(await grantsOf(cli, reach)),
        ];
        const problems = findings.filter(({ severity }) => severity === "problem");
        const lines = findings.flatMap(({ severity, about, message, hint }) => [
          `${severity}: ${about}: ${message}`,
          `  ${hint}`,
        ]);
        const last = `${plural(secrets.length, "secret")} looked at, ${plural(problems.length, "problem")} found`;
        return {
          json: {
            type: "doctor",
            ok: problems.length === 0,
            secrets: secrets.length,
            examined: examination !== undefined,
            findings,
            held,
          },
          lines: [...lines, last],
          ...(problems.length > 0 && { exitCode: exitCodes.refused }),
        };
      }),
    );
};

async function othersIn({ terminal }: Cli, files: readonly string[]): Promise<readonly Held[]> {
  const read = files.map(async (path) => {
    const text = await terminal.readFile(path).catch(() => "");
    return readHeld(text, path);
  });
  return (await Promise.all(read)).flat();
}

/** Reading every role takes a permission that few people have: what was not seen is said. */
async function grantsOf(cli: Cli, { grants: read }: Reach): Promise<readonly Finding[]> {
  const grants = await read?.();
  for (const what of grants?.unseen ?? [])
    cli.terminal.err(`rekey: who may call the admin function is not looked at in ${what}`);
  return grants === undefined ? [] : wideGrants(grants);
}

/** What Rekey's roles are denied for want of a tag. Which resources these are, the deployment's template says. */
async function tagsOf(cli: Cli, { tags: read, template }: Reach, policies: readonly Policy[]) {
  if (read === undefined || template === undefined) return [];
  const unseen = (what: string) => cli.terminal.err(`rekey: tags are not looked at: ${what}`);
  try {
    const wanted = wantedTags(await readTemplate(cli, undefined), policies);
    const tags = await read(wanted.map(({ arn }) => arn));
    for (const what of tags.unseen) unseen(what);
    return untagged(wanted, tags);
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    unseen(error.message);
    return [];
  }
}

/** Without the admin function doctor still checks the ledger, and says what it did not check. */
async function examine(cli: Cli, { admin }: Reach): Promise<Examination | undefined> {
  if (admin === undefined) {
    cli.terminal.err("rekey: schedules and admin credentials are not looked at: REKEY_ADMIN_URL is not set");
    return undefined;
  }
  try {
    return (await askAdmin(cli, { command: "examine" })) as unknown as Examination;
  } catch (error) {
    if (!(error instanceof CliFailure)) throw error;
    cli.terminal.err(`rekey: schedules and admin credentials are not looked at: ${error.message}`);
    return undefined;
  }
}

async function viewOf(policy: Policy, ledger: Ledger): Promise<SecretView> {
  const { secretArn } = policy;
  const record = await ledger.secret(secretArn);
  const keyId = currentKey(record)?.keyId;
  const promoted = (await ledger.rotations(secretArn)).find(({ incomingKeyId }) => incomingKeyId === keyId);
  const adopted = (await ledger.keys(secretArn)).find((key) => key.keyId === keyId);
  const keySinceMs = promoted?.openedAtMs ?? adopted?.atMs;
  const evidence = await ledger.evidence(secretArn);
  return { policy, record, evidence, ...(keySinceMs !== undefined && { keySinceMs }) };
}
