import { roughDuration } from "../../core/duration.ts";
import { type Federated, keylessText } from "../../core/federated.ts";
import { isoText } from "../../core/utc.ts";
import { lastEvidenceMs, type SecretFacts } from "../../ledger/standing.ts";
import { rowsByBlock } from "../by-block.ts";
import type { Cli, Register, Shown } from "../command.ts";
import { csvLines } from "../csv.ts";
import { type Format, formatOf } from "../format.ts";
import { readKeyless } from "../keyless.ts";
import { readStandings, type SecretStanding } from "../standings.ts";
import { headedTable } from "../table.ts";
import { ago, until } from "../text.ts";
import { nextText } from "./status.ts";

export const inventory: Register = (program, perform) => {
  program
    .command("inventory")
    .argument("[secret]", "name in rekey.yml, or ARN; without it, every secret")
    .option("--format <format>", "table or csv; table without it")
    .action((named: string | undefined, { format }: { readonly format?: string }) =>
      perform((cli) => show(cli, { named, format: formatOf(format) })),
    );
};

interface Item extends SecretStanding {
  readonly facts: SecretFacts;
  readonly seenAtMs?: number;
  readonly debts: readonly string[];
  readonly observed?: Readonly<Record<string, unknown>>;
}

/** What `mode: observe` has shown, for a program. */
function observed({ observation }: Pick<SecretFacts, "observation">) {
  if (observation === undefined) return {};
  const { verdict, sinceMs, days, reasons, unasked } = observation;
  const wouldHave = days.filter(({ wouldOpen }) => wouldOpen).length;
  return {
    observed: { verdict, since: isoText(sinceMs), days: days.length, wouldHave, reasons, unasked },
  };
}

async function show(
  cli: Cli,
  { named, format }: { readonly named: string | undefined; readonly format: Format },
): Promise<Shown> {
  const reach = await cli.reach();
  const keyless = await readKeyless(reach, named);
  const isKeyless = named !== undefined && keyless.length > 0;
  const secrets = isKeyless ? [] : (await readStandings(reach, named)).secrets;
  const items = await Promise.all(
    secrets.map(async (each): Promise<Item> => {
      const { facts } = each;
      const seenAtMs = lastEvidenceMs(await reach.ledger.evidence(each.policy.secretArn));
      const debts = facts.debts.map(({ kind, keyId }) => `${kind} ${keyId}`);
      return { ...each, ...observed(facts), debts, ...(seenAtMs !== undefined && { seenAtMs }) };
    }),
  );
  const nowMs = reach.nowMs();
  return {
    json: { type: "inventory", secrets: items.map(fields), federated: keyless },
    isFile: format === "csv",
    lines:
      format === "csv"
        ? csvLines([columns, ...items.map(csvRow), ...keyless.map(keylessCsv)])
        : [
            headedTable(titles, [
              ...rowsByBlock(items, (item) => tableRow(item, nowMs)),
              ...keyless.map(keylessRow),
            ]),
          ],
  };
}

const titles = ["SECRET", "OWNER", "PROVIDER", "MODE", "AGE", "NEXT", "OVERDUE", "SEEN", "OWED"];

function keylessRow({ name, owner = "-", issuer }: Federated): readonly string[] {
  return [name, owner, issuer, "no key", "-", "-", "-", "-", "-"];
}

/** Nothing of it has an age, a schedule or a debt. */
function keylessCsv(each: Federated): readonly string[] {
  const known: Readonly<Record<string, string>> = {
    ...{ name: each.name, environment: each.environment, owner: each.owner ?? "", provider: each.issuer },
    ...{ account: each.identity, mode: "no key", state: keylessText(each), secretArn: each.reference },
  };
  return columns.map((column) => known[column] ?? "");
}

function tableRow(item: Item, nowMs: number): readonly string[] {
  const { policy, standing, seenAtMs, debts } = item;
  const { sinceMs, overdueAtMs } = standing;
  return [
    ...[policy.name, policy.owner ?? "-", policy.provider.kind, modeText(item)],
    sinceMs === undefined ? "-" : roughDuration(nowMs - sinceMs),
    nextText(item, nowMs),
    overdueAtMs === undefined ? "-" : until(overdueAtMs, nowMs),
    seenAtMs === undefined ? "never" : ago(seenAtMs, nowMs),
    debts.join(", ") || "-",
  ];
}

const observedWords = { wouldOpen: "ready", tooEarly: "too early", wouldNotOpen: "not ready" } as const;

function modeText({ policy, facts }: Item): string {
  const verdict = facts.observation?.verdict;
  return verdict === undefined ? policy.mode : `${policy.mode}, ${observedWords[verdict]}`;
}

/** For a program: times as times. */
function fields({
  policy,
  standing,
  seenAtMs,
  debts,
  observed: shown,
}: Item): Readonly<Record<string, unknown>> {
  const { secretArn, name, environment, owner, provider, mode, schedule } = policy;
  const { keyId, sinceMs, nextAtMs, overdueAtMs, state } = standing;
  const times = { keySince: sinceMs, nextRotation: nextAtMs, overdueAt: overdueAtMs, lastEvidence: seenAtMs };
  return {
    ...{ secretArn, name, environment, mode, provider: provider.kind, account: provider.account },
    ...(owner !== undefined && { owner }),
    ...(keyId !== undefined && { keyId }),
    ...(schedule !== undefined && { schedule }),
    ...Object.fromEntries(
      Object.entries(times).flatMap(([title, ms]) => (ms === undefined ? [] : [[title, isoText(ms)]])),
    ),
    ...{ state: state.text, debts },
    ...(shown !== undefined && { observed: shown }),
  };
}

const columns = [
  ...["name", "environment", "owner", "provider", "account", "mode", "keyId", "keySince", "schedule"],
  ...["nextRotation", "overdueAt", "lastEvidence", "state", "debts", "secretArn"],
];

function csvRow(item: Item): readonly string[] {
  const stated = fields(item);
  return columns.map((column) => {
    const value = stated[column] ?? "";
    return Array.isArray(value) ? value.join("; ") : String(value);
  });
}
