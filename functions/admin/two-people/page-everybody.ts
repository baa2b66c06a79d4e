import { shortName } from "../../../core/principal.ts";
import type { AdminDeps } from "../../deps.ts";
import { page } from "../../incident/paging/page.ts";
import { runbookFor } from "../../incident/paging/runbook.ts";
import type { Caller } from "../command.ts";
import type { Given } from "./what.ts";

interface GivenAlone {
  readonly name: string;
  readonly given: Given;
  readonly caller: Caller;
}

/** Whoever acts alone is seen by everybody at once, through every channel. The names of those that took the page. */
export async function pageEverybody(
  { name, given, caller }: GivenAlone,
  deps: AdminDeps,
): Promise<readonly string[]> {
  const { principal, atMs } = caller;
  const command = name.replace("-", " ");
  const why = `${principal} ordered \`${command}\` without a second person: ${String(given["reason"])}`;
  const incidentId = given["incident"];
  const record =
    typeof incidentId === "string" ? await deps.ledger.incidents.incident(incidentId) : undefined;
  if (record !== undefined) {
    await page({ record, due: { reason: "alone", severity: "page", why }, atMs }, deps);
    return (await deps.ledger.incidents.incident(record.incidentId))?.pages.at(-1)?.delivered ?? [];
  }
  const scope = ["secret", "provider", "environment"].flatMap((field) => given[field] ?? []);
  const { delivered } = await deps.escalator.page({
    ...{ incidentId: "none", reason: "alone", severity: "page", why, test: false },
    title: `${shortName(principal)} ordered alone: ${[command, ...scope].join(" ")}`,
    steps: ["rekey status"],
    runbook: runbookFor("alone"),
    links: [],
    about: { secretArns: [], deadlineAtMs: atMs },
  });
  return delivered;
}
