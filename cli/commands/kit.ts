import { utcText } from "../../core/utc.ts";
import { askAdmin } from "../ask-admin.ts";
import { type Cli, CliFailure, exitCodes, type Register, type Shown } from "../command.ts";
import { plural } from "../text.ts";

export const kit: Register = (program, perform) => {
  const kits = program.command("kit");
  kits
    .command("export")
    .description("make a sealed kit now, into the bucket of the deployment and into a file")
    .requiredOption("--to <file>", "a new file: two people, one of each group, open it together")
    .action(({ to }: { readonly to: string }) => perform((cli) => exportTo(cli, to)));
  kits
    .command("reconcile")
    .description("after the day: the log of `rekey contain --offline` becomes part of ledger and audit log")
    .argument("<log>", "the file")
    .action((path: string) => perform((cli) => reconcile(cli, path)));
  kits
    .command("identity")
    .description("make an age identity for one person, as age-keygen does")
    .requiredOption(
      "--to <file>",
      "a new file that only you can read: keep it where this Region is not needed",
    )
    .action(({ to }: { readonly to: string }) => perform((cli) => newIdentityIn(cli, to)));
};

async function exportTo({ terminal, reach }: Cli, to: string): Promise<Shown> {
  const { exportKit } = await reach();
  const { writeNew } = terminal;
  if (exportKit === undefined || writeNew === undefined)
    throw new CliFailure("the function that makes kits is not known", { exitCode: exitCodes.usage });
  const made = await exportKit();
  if (made.outcome !== "exported")
    throw new CliFailure("this deployment says nobody who could open a kit", {
      hint: "set sealedKit in stages/<stage>.yml, and deploy: docs/region-down.md",
    });
  const { kitId, secrets, exportedAtMs, sha256, sealed } = made;
  if (sealed === undefined)
    throw new CliFailure(`kit ${kitId} is too large to be handed over`, {
      hint: "copy it from the kit's bucket",
    });
  await writeNew(to, sealed);
  return {
    json: { type: "kit", outcome: "exported", kitId, secrets, exportedAtMs, sha256, to },
    lines: [
      `${to}: kit ${kitId} of ${plural(secrets, "secret")}, made ${utcText(exportedAtMs)}`,
      `sha256 ${sha256}`,
      "it takes one person of each group to open it; nobody else can read what is in it",
    ],
  };
}

async function reconcile(cli: Cli, path: string): Promise<Shown> {
  const { readLog } = await import("../../functions/sealed-kit/offline-log.ts");
  const log = readLog(await cli.terminal.readFile(path));
  if ("mistake" in log) throw new CliFailure(`${path}: ${log.mistake}`, { exitCode: exitCodes.usage });
  const { start, entries } = log;
  if (entries.length === 0)
    throw new CliFailure(`nothing was done with kit ${start.kitId} in ${path}`, {
      exitCode: exitCodes.usage,
    });
  const answer = await askAdmin(cli, { command: "kit-reconcile", kitId: start.kitId, entries });
  const incidents = (answer["incidentIds"] as readonly string[]).map((id) => `  rekey watch ${id}`);
  return {
    json: { type: "kit", ...answer },
    lines: [
      `${plural(entries.length, "entry", "entries")} of ${start.kitId} are in the audit log of ${(answer["secrets"] as readonly string[]).join(", ")}`,
      "an incident asks the provider itself, replaces the key and is certified:",
      ...incidents,
      "then make a new kit: rekey kit export --to <file>; and keep the log with the incident's report",
    ],
  };
}

async function newIdentityIn({ terminal }: Cli, to: string): Promise<Shown> {
  const { newIdentity, recipientsOf } = await import("../../functions/sealed-kit/seal.ts");
  if (terminal.writeNew === undefined) throw new CliFailure("no file can be written here");
  const identity = await newIdentity();
  const [recipient = ""] = await recipientsOf([identity]);
  await terminal.writeNew(to, `# public key: ${recipient}\n${identity}\n`);
  return {
    json: { type: "kit", outcome: "identity", recipient, to },
    lines: [recipient, "put this public key into one of the groups of sealedKit in stages/<stage>.yml"],
  };
}
