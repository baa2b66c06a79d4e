import { declaredReaders, sayRead, type TriageItem } from "../../core/adoption/unexpected-read.ts";
import type { Policy } from "../../core/policy.ts";
import { utcText } from "../../core/utc.ts";
import type { SecretRead } from "../../functions/adapters/scope/trail.ts";
import { type Cli, CliFailure, exitCodes, type Reach, type Shown } from "../command.ts";
import { csvLines } from "../csv.ts";
import { findSecret } from "../find-secret.ts";
import { formatOf } from "../format.ts";
import { headedTable } from "../table.ts";

interface Options {
  readonly days?: string;
  readonly format?: string;
}

const dayMs = 86_400_000;
const daysMax = 90;
/** The event history is paged slowly: two requests a second for a whole account. */
const lookMaxMs = 60_000;
const addressesShownMax = 3;

interface Access {
  readonly secret: string;
  readonly principal: string;
  readonly reads: number;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly addresses: readonly string[];
  /** Undefined if the policy names no role to compare with. */
  readonly declared?: boolean;
}

/** `rekey report access`: reads as CloudTrail recorded them, beside what the policies expect. */
export async function accessReport(cli: Cli, named: string | undefined, options: Options): Promise<Shown> {
  const [days, format] = [daysOf(options.days), formatOf(options.format)];
  const reach = await cli.reach();
  const { ledger } = reach;
  const policies = named === undefined ? await ledger.policies() : [await findSecret(named, ledger)];
  const { reads, said } = await readsOf(reach, days);
  const access = policies.flatMap((policy) => accessTo(policy, reads));
  const triage = await Promise.all(
    policies.map(async ({ name, secretArn }) => ({ name, items: await ledger.triage(secretArn) })),
  );
  const rows = access.map(cells);
  return {
    json: { type: "access", days, access, triage, incomplete: said },
    isFile: format === "csv",
    lines:
      format === "csv"
        ? csvLines([titles, ...rows])
        : [
            rows.length === 0 ? "no read is on record" : headedTable(titles, rows),
            ...triage.flatMap(({ name, items }) => items.flatMap((item) => triageLines(name, item))),
            ...said,
          ],
  };
}

function daysOf(given = "1"): number {
  const days = Number(given);
  if (Number.isInteger(days) && days >= 1 && days <= daysMax) return days;
  throw new CliFailure(`--days is a whole number from 1 to ${daysMax}`, { exitCode: exitCodes.usage });
}

async function readsOf(
  { reads: lookUp, nowMs }: Reach,
  days: number,
): Promise<{ readonly reads: readonly SecretRead[]; readonly said: readonly string[] }> {
  if (lookUp === undefined) return { reads: [], said: ["CloudTrail's records cannot be asked from here"] };
  const untilMs = nowMs();
  const lookup = { eventName: "GetSecretValue", sinceMs: untilMs - days * dayMs, untilMs } as const;
  const { reads, ended, reachedBackToMs, error } = await lookUp({ ...lookup, stopAtMs: untilMs + lookMaxMs });
  if (ended === "complete") return { reads, said: [] };
  const why =
    ended === "failed" ? `CloudTrail refused (${error}: allow cloudtrail:LookupEvents)` : "there are more";
  return { reads, said: [`reads before ${utcText(reachedBackToMs)} were not looked at: ${why}`] };
}

function accessTo(policy: Policy, reads: readonly SecretRead[]): readonly Access[] {
  const { secretArn, name } = policy;
  const declared = declaredReaders(policy);
  // Whoever reads by name or by a partial ARN means the same secret.
  const own = reads.filter(
    ({ secretId }) => secretId === secretArn || secretArn.includes(`:secret:${secretId}-`),
  );
  const principals = [...new Set(own.map(({ principal }) => principal))].sort();
  return principals.map((principal) => {
    const theirs = own.filter((read) => read.principal === principal);
    const times = theirs.map(({ atMs }) => atMs);
    return {
      ...{ secret: name, principal, reads: theirs.length },
      ...{ firstAtMs: Math.min(...times), lastAtMs: Math.max(...times) },
      addresses: [...new Set(theirs.flatMap(({ address }) => address ?? []))].sort(),
      ...(declared !== undefined && { declared: declared.has(principal) }),
    };
  });
}

const titles = ["SECRET", "WHO", "READS", "LAST", "FROM", "DECLARED"];

function cells({ secret, principal, reads, lastAtMs, addresses, declared }: Access): readonly string[] {
  const more =
    addresses.length > addressesShownMax ? ` and ${addresses.length - addressesShownMax} more` : "";
  const from = addresses.length === 0 ? "-" : `${addresses.slice(0, addressesShownMax).join(", ")}${more}`;
  const said = declared === undefined ? "not asked" : declared ? "yes" : "no";
  return [secret, principal, `${reads}`, utcText(lastAtMs), from, said];
}

function triageLines(name: string, { day, reads }: TriageItem): readonly string[] {
  return reads.map((read) => `${day} ${name}: ${sayRead(read)}`);
}
