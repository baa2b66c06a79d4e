import { nextTryMs } from "../../core/rotation/sweep.ts";
import type { Debt } from "../../ledger/entries.ts";
import type { Deps } from "../deps.ts";

interface Tries {
  readonly tries: number;
  readonly nextAtMs: number;
}

/**
 * Has the certificates made that are owed: the sweep may not sign, so it starts the machine of the run or incident with
 * the order to certify and nothing else. Returns how many it started.
 */
export async function certifyOwed(
  owed: { readonly debts: readonly Debt[]; readonly nowMs: number },
  deps: Pick<Deps, "ledger" | "executions" | "digest">,
): Promise<number> {
  let started = 0;
  for (const debt of owed.debts) {
    if (debt.kind === "CertificateOwed" && (await certify(debt, owed.nowMs, deps))) started += 1;
  }
  return started;
}

async function certify(
  debt: Debt,
  nowMs: number,
  deps: Pick<Deps, "ledger" | "executions" | "digest">,
): Promise<boolean> {
  const { secretArn, rotationId } = debt;
  const at = { kind: "SWEEP", id: "certify", sort: `${secretArn}/${rotationId}` };
  const stored = await deps.ledger.documents.read<Tries>(at);
  if (stored !== undefined && nowMs < stored.nextAtMs) return false;
  const tries = (stored?.tries ?? -1) + 1;
  const name = `certify-${deps.digest.sha256Hex(`${secretArn} ${rotationId}`).slice(0, 20)}-${tries}`;
  const run = await deps.ledger.rotation(secretArn, rotationId);
  if (run === undefined) {
    const input = { incidentId: rotationId, certify: rotationId };
    await deps.executions.start({ machine: "compromise", name, input });
  } else {
    // A run that still holds its secret closes it itself, and certifies on the way.
    if (run.outcome === "running") return false;
    if (run.outcome === "superseded" && run.death === undefined) return forgive(debt, deps);
    const ending = run.outcome === "rotated" ? "rotated" : "settled";
    const input = { secretArn, trigger: "sweep", certify: rotationId, fence: run.fence, ending };
    await deps.executions.start({ machine: "rotation", name, input });
  }
  const next: Tries = { tries, nextAtMs: nowMs + nextTryMs(tries) };
  await deps.ledger.documents.write(at, next);
  return true;
}

/** An incident took the secret while the run was being settled: the incident's certificate says how that ended. */
async function forgive(debt: Debt, { ledger }: Pick<Deps, "ledger">): Promise<false> {
  await ledger.removeDebt(debt);
  return false;
}
