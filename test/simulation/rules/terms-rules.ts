import type { Run, SecretRecord } from "../../../core/rotation/secret-record.ts";
import type { WatchedSecret, Witness } from "./witness.ts";

interface Change {
  readonly secret: WatchedSecret;
  readonly before: SecretRecord;
  readonly next: SecretRecord;
}

/** S2 for the terms of a policy: nothing is promoted or revoked unapproved, in a freeze, or outside of its hours. */
export function termsAreMet(watch: Witness, { secret, before, next }: Change): void {
  const { policy } = secret;
  const begins = stepOf(before.run, next.run);
  if (begins === undefined || next.lease?.kind === "incident") return;
  const { approve, freeze = [], windows } = policy;
  const nowMs = watch.world.time.nowMs();
  const frozen = freeze.find(({ fromMs, untilMs }) => nowMs >= fromMs && nowMs < untilMs);
  if (frozen !== undefined) watch.violate("S2", `the ${begins} of ${policy.name} begins in a freeze`);
  const [hours] = windows?.open ?? [];
  const minute = Math.floor(nowMs / 60_000) % (24 * 60);
  if (hours !== undefined && minute < hours.fromMinute)
    watch.violate("S2", `the ${begins} of ${policy.name} begins outside of its change windows`);
  if (approve === `before-${begins}` && !isApproved(before, begins))
    watch.violate("O7", `the ${begins} of ${policy.name} begins, and nobody has approved it`);
}

function stepOf(before: Run | undefined, next: Run | undefined): "promote" | "revoke" | undefined {
  if (next?.phase === before?.phase || next === undefined) return undefined;
  if (next.phase === "promoting" && before?.phase === "proven") return "promote";
  return next.phase === "revoking" && before?.phase === "promoted" ? "revoke" : undefined;
}

/** Told from what is stored, and not by the function that decides it. */
function isApproved({ order, run }: SecretRecord, kind: "promote" | "revoke"): boolean {
  const isOfThisRun = order?.what["rotationId"] === run?.rotationId;
  return isOfThisRun && order?.kind === kind && order.approval !== undefined;
}
