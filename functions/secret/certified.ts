import * as z from "zod";
import type { Deps } from "../deps.ts";
import { noteRun } from "./run-record.ts";

/** What a certifying step answered, or the error that the machine caught when its retries were used up. */
export const certifiedShape = z.union([
  z.object({ path: z.string().max(1_024), sha256: z.string().max(64), keyid: z.string().max(64) }),
  z.object({ outcome: z.literal("notDue") }),
  z.object({ Error: z.string().max(200), Cause: z.string().max(40_000).optional() }),
]);

export type Certified = z.output<typeof certifiedShape>;

/**
 * A run that ends without a death owes its certificate from the moment it ends: its machine makes it next, and if that
 * was stopped or fails, the sweep has it made.
 */
export async function oweCertificate(
  run: { readonly secretArn: string; readonly rotationId: string; readonly atMs: number },
  { ledger }: Pick<Deps, "ledger">,
): Promise<void> {
  const { secretArn, rotationId, atMs: sinceMs } = run;
  const debt = { kind: "CertificateOwed", secretArn, rotationId, keyId: rotationId } as const;
  await ledger.putDebt({ ...debt, reason: "the certificate of how it ended is not made yet", sinceMs });
}

interface Noting {
  readonly secretArn: string;
  readonly rotationId: string;
  /** The debt's name: the key that died, or the run itself if it ended without a death. */
  readonly owedFor: string;
  readonly atMs: number;
  readonly certificate: Certified;
  /** Since when a debt of it is owed; without it, since now. */
  readonly closedAtMs?: number | undefined;
}

/**
 * The certificate's digest enters the audit chain, written by one function and signed by another. If there is none, it
 * is owed, which pages, and the sweep has it made later; nothing else waits for it.
 */
export async function noteCertificate(noting: Noting, deps: Pick<Deps, "audit" | "ledger">): Promise<void> {
  const { secretArn, rotationId, owedFor: keyId, atMs, certificate } = noting;
  if ("outcome" in certificate) return;
  const debt = { kind: "CertificateOwed", secretArn, keyId, rotationId } as const;
  if ("Error" in certificate) {
    await deps.ledger.putDebt({ ...debt, ...whyOwed(certificate), sinceMs: noting.closedAtMs ?? atMs });
    return;
  }
  await deps.audit.append(secretArn, certificateFiled({ runId: rotationId, certificate, atMs }));
  await noteRun({ ticket: { secretArn, rotationId }, note: { certificate } }, deps);
  await deps.ledger.removeDebt(debt);
}

/** The error's name only: its text may come from outside. */
export function whyOwed({ Error: error }: Extract<Certified, { Error: string }>) {
  return { reason: `the certificate could not be made: ${error}`, error };
}

export function certificateFiled(filed: {
  readonly runId: string;
  readonly certificate: Extract<Certified, { path: string }>;
  readonly atMs: number;
}) {
  const { runId, certificate, atMs } = filed;
  const detail = { path: certificate.path, sha256: certificate.sha256, keyid: certificate.keyid };
  return { id: `${runId}/certificate`, atMs, actor: runId, action: "CertificateFiled", detail };
}
