import { appendToIntake } from "../../audit/intake-log.ts";
import type { Alert } from "../../events/alert.ts";
import type { Deps, Page, With } from "../deps.ts";
import { runbookFor } from "../incident/paging/runbook.ts";
import type { Identified } from "../key-index/identify-key.ts";
import { warnHourly } from "./warn-hourly.ts";

const digestLength = 10;

export interface TestOfRealKey {
  readonly alert: Alert;
  readonly keys: readonly Identified[];
  readonly receivedAtMs: number;
  /** The person, or the source whose signature was checked. */
  readonly sender: string;
}

/**
 * An alert that calls a real key's leak a test may be a mistake, an attack, or a real leak with the wrong mark.
 * Nothing starts; people are warned and the log names the sender.
 */
export async function warnOfTest(test: TestOfRealKey, deps: With<"escalator">): Promise<void> {
  const { alert, keys, receivedAtMs, sender } = test;
  const { source, sourceId } = alert;
  const about = keys.map(({ keyId, match }) => keyId ?? match.text).join(", ");
  const shortDigest = (text: string) => deps.digest.sha256Hex(text).slice(0, digestLength);
  await appendToIntake(deps.audit, {
    id: `TestOfRealKey/${shortDigest(`${source} ${sourceId}`)}/${receivedAtMs}`,
    atMs: receivedAtMs,
    actor: sender,
    action: "TestOfRealKey",
    detail: { source, sourceId, about },
  });
  const name = `test-${shortDigest(about)}`;
  await warnHourly({ name, atMs: receivedAtMs, page: () => pageOf({ ...test, name, about }, deps) }, deps);
}

async function pageOf(
  { alert, keys, sender, name, about }: TestOfRealKey & { readonly name: string; readonly about: string },
  { ledger }: Deps,
): Promise<Page> {
  const secretArns = [...new Set(keys.flatMap(({ holders }) => holders.map(({ secretArn }) => secretArn)))];
  const policies = await Promise.all(secretArns.map((secretArn) => ledger.policy(secretArn)));
  const names = policies.flatMap((policy) => policy?.name ?? []);
  const where = names.join(", ") || "no secret of ours";
  const visible = alert.exposure === "public" ? " --public" : "";
  return {
    ...{ incidentId: name, reason: "testOfRealKey", severity: "notify", test: false, links: [] },
    title: `a test alert names key ${about} (${where}), which is real`,
    why: `${sender} marked alert ${alert.sourceId} as a test (${alert.exposure}, ${alert.verified}), so no incident was opened`,
    steps: [
      "Ask the sender whether the key leaked. If it did, or if nobody can say:",
      ...names.map((secret) => `rekey compromise ${secret}${visible} --reason 'a test alert named its key'`),
      "If the sender did not send it, its signing secret may have leaked: see the runbook.",
    ],
    runbook: runbookFor("testOfRealKey"),
    about: { secretArns, deadlineAtMs: 0 },
  };
}
