import * as z from "zod";
import { DecryptRecord, readFrom, secretOf } from "../../consumers/kms.ts";
import { whyUnexpected } from "../../core/adoption/unexpected-read.ts";
import { promotedRun } from "../../core/rotation/secret-record.ts";
import { localTimeIn } from "../../events/zone-time.ts";
import type { Deps } from "../deps.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { onLambda, stampedAt, step } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { policyNamed } from "./policy-named.ts";

/**
 * The input from the rule on KMS Decrypt records. The environment and Rekey's own roles are constants of the
 * rule; account and time come from the envelope (S7).
 */
const ReadOnBus = z.object({
  environment: z.string().min(1).max(64),
  /** Beginnings of role ARNs. With an empty list Rekey's own reads would look like a consumer's. */
  own: z.array(z.string().min(20).max(512)).min(1).max(16),
  event: z.object({ account: z.string().regex(/^\d{12}$/), time: stampedAt, detail: DecryptRecord }),
});

/** Stores who read which version, and wakes the run whose decision that changes. */
export const recordRead = step({
  name: "record-read",
  input: ReadOnBus,
  run: async ({ environment, own, event }, deps: Deps) => {
    const policy = await policyNamed(secretOf(event.detail), deps);
    if (policy === undefined) return { outcome: "unknownSecret" as const };
    const { secretArn } = policy;
    const envelope = { account: event.account, atMs: event.time, environment, own };
    const read = readFrom(event.detail, { envelope, policy });
    if (read === undefined) return { outcome: "noConsumersRead" as const };

    const { principal, versionId, observedAtMs: atMs } = read;
    const why = whyUnexpected({ principal, atMs }, policy, localTimeIn);
    if (why !== undefined) await deps.ledger.putTriage(secretArn, { principal, why, versionId, atMs });

    const stored = await deps.ledger.putEvidence(secretArn, read);
    const run = promotedRun((await deps.ledger.secret(secretArn)).run);
    // A first read of the retiring version may be from long before the promotion. A later one shows that
    // somebody still asks for it.
    const isOfRetiring = run !== undefined && read.versionId === run.retiring.versionId;
    if (stored !== "news" && !isOfRetiring) return { outcome: "stillSo" as const };
    return { outcome: await wakeIfDecided({ secretArn, nowMs: event.time }, deps) };
  },
});

export const handler = onLambda(recordRead, wiring());
