import type { Digest } from "./ports.ts";
import type { Refusal } from "./rotation/refusal.ts";

/**
 * What a person wants done that another person has to approve. It is pending until somebody else confirms
 * the digest of exactly what they were shown, and after `untilMs` it has to be shown again.
 */
export interface PendingOrder {
  /** Such as `promote` or `revoke`; a new kind of order is a new word here. */
  readonly kind: OrderKind;
  /** All that is approved, in the names that people see. */
  readonly what: Readonly<Record<string, string>>;
  readonly digest: string;
  /** The AWS principal whose wish it is; absent if a schedule started it. */
  readonly askedBy?: string;
  readonly untilMs: number;
  readonly approval?: { readonly by: string; readonly atMs: number };
}

export type OrderKind = "promote" | "revoke";

/** How long the second person may take between seeing an order and confirming it. */
export const confirmWithinMs = 15 * 60_000;

export function pendingOrder(
  order: Pick<PendingOrder, "kind" | "what" | "askedBy"> & { readonly nowMs: number },
  digest: Digest,
): PendingOrder {
  const { nowMs, kind, what, askedBy } = order;
  const untilMs = nowMs + confirmWithinMs;
  const fields = Object.entries(what).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([kind, fields, askedBy ?? null, untilMs]);
  return {
    ...{ kind, what, untilMs, digest: digest.sha256Hex(text) },
    ...(askedBy !== undefined && { askedBy }),
  };
}

export type ApprovalReason = "SamePerson" | "NothingShown" | "ShownTooLongAgo" | "AnotherOrder";

/** Why this person may not confirm this digest now. */
export function whyNotApprove(
  order: PendingOrder | undefined,
  confirm: { readonly by: string; readonly digest: string; readonly nowMs: number },
): Refusal<ApprovalReason> | undefined {
  if (order === undefined) {
    return { reason: "NothingShown", detail: "nobody has looked at what is to be approved" };
  }
  if (order.askedBy !== undefined && samePerson(order.askedBy, confirm.by)) {
    return {
      reason: "SamePerson",
      detail: `${order.askedBy} asked for it, so another person has to approve`,
    };
  }
  if (order.digest !== confirm.digest) {
    return { reason: "AnotherOrder", detail: "the digest is not of what is to be approved now" };
  }
  if (confirm.nowMs > order.untilMs) {
    return { reason: "ShownTooLongAgo", detail: "what was shown has to be looked at again" };
  }
  return undefined;
}

/**
 * Whoever assumes a role chooses the session's name, so a role is one person whatever its sessions are called.
 * Only IAM Identity Center, which gives many people one role, sets that name itself.
 */
export function samePerson(one: string, other: string): boolean {
  return withoutSession(one) === withoutSession(other);
}

function withoutSession(principal: string): string {
  const match = /^(arn:[^:]*:sts::\d*:assumed-role\/(?!AWSReservedSSO_)[^/]+)\//.exec(principal);
  return match?.[1] ?? principal;
}

/** Whether exactly this was approved. */
export function isApproved(
  order: PendingOrder | undefined,
  { kind, what }: Pick<PendingOrder, "kind" | "what">,
): boolean {
  if (order?.approval === undefined || order.kind !== kind) return false;
  const names = Object.keys(what);
  return (
    names.length === Object.keys(order.what).length && names.every((name) => order.what[name] === what[name])
  );
}
