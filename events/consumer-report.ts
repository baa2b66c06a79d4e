import * as z from "zod";
import { reportingKinds } from "../core/policy.ts";

const fingerprint = z.string().regex(/^sha256:[0-9a-f]{64}$/);
const ago = z
  .number()
  .int()
  .nonnegative()
  .max(10 ** 12)
  .nullable();
/** Names are shown on screens and in log lines, so nothing that moves a cursor or breaks a record is allowed. */
const plainName = z.string().regex(/^[\w./:@-]{1,128}$/);

/** A running consumer's report about the keys that it holds and has used. Ages are on its own clock. */
export const ConsumerReport = z.object({
  schema: z.literal(1),
  kind: z.enum(reportingKinds),
  consumer: plainName,
  /** `name/start id`; what has no start id is one instance however often it starts. */
  instance: plainName,
  secretArn: z.string().max(2048),
  holds: z.object({ fingerprint, versionId: z.string().min(1).max(64) }),
  uses: z.array(z.object({ fingerprint, lastSuccessAgoMs: ago, lastRefusalAgoMs: ago })).max(8),
  cause: z.enum(["started", "changed", "refused", "heartbeat", "stopping"]),
  sequence: z.number().int().nonnegative(),
  maxStaleMs: z
    .number()
    .int()
    .nonnegative()
    .max(10 ** 10),
  /** How long the store took to answer, and how many refreshes failed, since the last report. For a dashboard only. */
  reads: z
    .object({
      ms: z.array(z.number().int().nonnegative().max(600_000)).max(20),
      failed: z.number().int().nonnegative().max(100_000),
    })
    .exactOptional(),
  /** Made with a pair derived from the held key (report-proof.ts); clients before 0.2 send none. */
  proof: z
    .object({ sentAtMs: z.number().int().nonnegative(), signature: z.string().regex(/^[\w-]{86}$/) })
    .exactOptional(),
});
export type ConsumerReport = z.output<typeof ConsumerReport>;
