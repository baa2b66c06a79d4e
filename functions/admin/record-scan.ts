import * as z from "zod";
import { deploymentChain } from "../../audit/chain.ts";
import { FingerprintSchema } from "../../events/alert.ts";
import { warnOfLiveKey } from "../alerts/live-key-found.ts";
import type { AdminDeps } from "../deps.ts";
import { identifyKeys } from "../key-index/identify-key.ts";
import { adminCommand, refused } from "./command.ts";

const fingerprintsMax = 100;
/** So that nobody can ask for one guess after another; a scan with more findings than this is a scan of secrets. */
const askedPerHourMax = 1_000;
const hourMs = 3_600_000;

/**
 * The result of a scan, for the report about how the rules are kept. Which of the found keys Rekey knows is answered
 * with "known" and nothing else: no secret's name, no consumer. Each of those warns the people on call.
 */
export const recordScan = adminCommand({
  input: z.strictObject({
    command: z.literal("record-scan"),
    where: z
      .string()
      .trim()
      .min(1)
      .max(300)
      .regex(/^\P{Cc}*$/u, "has to be one line, without control characters"),
    violations: z.record(z.string().regex(/^[a-z-]{1,40}$/), z.int().nonnegative()),
    accepted: z.int().nonnegative(),
    fingerprints: z.array(FingerprintSchema).max(fingerprintsMax),
  }),
  run: async ({ input, caller }, deps) => {
    const { where, violations, accepted, fingerprints } = input;
    const { principal, atMs, requestId } = caller;
    if (!(await mayAsk({ principal, atMs, count: fingerprints.length }, deps))) {
      return refused({
        reason: "QuotaReached",
        detail: `${principal} asked for more than ${askedPerHourMax} keys within an hour`,
        hint: "scan without --known, or report the findings with --report",
      });
    }
    const known: string[] = [];
    for (const fingerprint of fingerprints) {
      const keys = await identifyKeys({ kind: "fingerprint", values: [fingerprint] }, deps);
      if (keys.length === 0) continue;
      known.push(fingerprint);
      await warnOfLiveKey({ keys, where, principal, atMs }, deps);
    }
    await deps.audit.append(deploymentChain, {
      ...{ id: `${requestId}/scan`, atMs, actor: principal, action: "ScanRecorded" },
      detail: {
        ...{ where, violations: violationsText(violations), accepted },
        ...{ asked: fingerprints.length, known: known.length },
      },
    });
    return { outcome: "recorded", known };
  },
});

function violationsText(violations: Readonly<Record<string, number>>): string {
  const counts = Object.entries(violations).map(([rule, count]) => `${rule} ${count}`);
  return counts.join(", ").slice(0, 300);
}

interface Asked {
  readonly fromMs: number;
  readonly count: number;
}

async function mayAsk(
  { principal, atMs, count }: { readonly principal: string; readonly atMs: number; readonly count: number },
  { ledger, digest }: AdminDeps,
): Promise<boolean> {
  let may = true;
  const sort = digest.sha256Hex(principal).slice(0, 20);
  await ledger.documents.change<Asked>({ kind: "INCIDENT", id: "scans", sort }, (before) => {
    const { fromMs, count: asked } =
      before !== undefined && atMs - before.fromMs < hourMs ? before : { fromMs: atMs, count: 0 };
    may = asked + count <= askedPerHourMax;
    return { fromMs, count: may ? asked + count : asked };
  });
  return may;
}
