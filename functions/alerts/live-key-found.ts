import type { Deps, Page, With } from "../deps.ts";
import { runbookFor } from "../incident/paging/runbook.ts";
import type { Identified } from "../key-index/identify-key.ts";
import { warnHourly } from "./warn-hourly.ts";

export interface LiveKeyFound {
  readonly keys: readonly Identified[];
  /** The repository and commit, as the scan said. */
  readonly where: string;
  readonly principal: string;
  readonly atMs: number;
}

/**
 * A scan asked for a key that Rekey knows. Whether it leaked is for a person to say: the file may never have left its
 * machine. So nothing starts, and people are warned.
 */
export async function warnOfLiveKey(found: LiveKeyFound, deps: With<"escalator">): Promise<void> {
  const about = found.keys.map(({ keyId, match }) => keyId ?? match.text).join(", ");
  const name = `found-${deps.digest.sha256Hex(about).slice(0, 10)}`;
  await warnHourly({ name, atMs: found.atMs, page: () => pageOf({ ...found, about, name }, deps) }, deps);
}

async function pageOf(
  { keys, where, principal, about, name }: LiveKeyFound & { readonly about: string; readonly name: string },
  { ledger }: Deps,
): Promise<Page> {
  const secretArns = [...new Set(keys.flatMap(({ holders }) => holders.map(({ secretArn }) => secretArn)))];
  const policies = await Promise.all(secretArns.map((secretArn) => ledger.policy(secretArn)));
  const names = policies.flatMap((policy) => policy?.name ?? []);
  return {
    ...{ incidentId: name, reason: "liveKeyFound", severity: "notify", test: false, links: [] },
    title: `key ${about} (${names.join(", ") || "no secret of ours"}) stands in a file`,
    why: `a scan of ${where} by ${principal} found it in plain text; no incident was opened`,
    steps: [
      "Ask who wrote the file whether it left their machine. If it did, or if nobody can say:",
      ...names.map((secret) => `rekey compromise ${secret} --reason 'found in a file by rekey scan'`),
    ],
    runbook: runbookFor("liveKeyFound"),
    about: { secretArns, deadlineAtMs: 0 },
  };
}
