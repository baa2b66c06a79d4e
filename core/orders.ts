import type { Digest } from "./ports.ts";
import type { Refusal } from "./rotation/refusal.ts";

/**
 * What a person wants done that another person has to approve. It is pending until somebody else confirms
 * the digest of exactly what they were shown, and after `untilMs` it has to be shown again.
 */
export interface PendingOrder {
  /** A step of a rotation, or the command that waits. */
  readonly kind: string;
  /** All that is approved, in the names that people see. */
  readonly what: Readonly<Record<string, string>>;
  readonly digest: string;
  /** The AWS principal whose wish it is; absent if a schedule started it. */
  readonly askedBy?: string;
  /** Who was shown it: the digest is theirs to confirm, so that nobody confirms what only others have seen. */
  readonly shownTo?: string;
  readonly untilMs: number;
  readonly approval?: { readonly by: string; readonly atMs: number };
}

/** The steps of a rotation that wait for an approval. */
export type OrderKind = "promote" | "revoke";

/** How long the second person may take between seeing an order and confirming it. */
export const confirmWithinMs = 15 * 60_000;

export function pendingOrder(
  order: Pick<PendingOrder, "kind" | "what" | "askedBy" | "shownTo"> & { readonly nowMs: number },
  digest: Digest,
): PendingOrder {
  const { nowMs, kind, what, askedBy, shownTo } = order;
  const untilMs = nowMs + confirmWithinMs;
  const fields = Object.entries(what).toSorted(([one], [other]) => (one < other ? -1 : 1));
  const text = JSON.stringify([kind, fields, askedBy ?? null, untilMs, shownTo ?? null]);
  return {
    ...{ kind, what, untilMs, digest: digest.sha256Hex(text) },
    ...(askedBy !== undefined && { askedBy }),
    ...(shownTo !== undefined && { shownTo }),
  };
}

export type ApprovalReason =
  | "SamePerson"
  | "NothingShown"
  | "ShownTooLongAgo"
  | "AnotherOrder"
  | "ShownToAnother"
  | RoleReason;

/** Why this person may not confirm this digest now. */
export function whyNotApprove(
  order: PendingOrder | undefined,
  confirm: {
    readonly by: string;
    readonly digest: string;
    readonly nowMs: number;
    readonly rule: TwoPeopleRule;
  },
): Refusal<ApprovalReason> | undefined {
  const notTheirs = whyMayNotApprove(confirm.rule, confirm.by);
  if (notTheirs !== undefined) return notTheirs;
  if (order === undefined) {
    return { reason: "NothingShown", detail: "nobody has looked at what is to be approved" };
  }
  if (order.askedBy !== undefined && samePerson(order.askedBy, confirm.by)) {
    return {
      reason: "SamePerson",
      detail: `${order.askedBy} asked for it, so another person has to approve`,
    };
  }
  if (order.shownTo !== undefined && order.shownTo !== confirm.by) {
    return {
      reason: "ShownToAnother",
      detail: `it was shown to ${order.shownTo}: whoever approves looks first`,
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
  const [session, otherSession] = [sessionOf(one), sessionOf(other)];
  // A session's name is kept only where it says which person it is: under two roles it is the same one.
  if (session !== undefined && session === otherSession) return true;
  return withoutSession(one) === withoutSession(other);
}

function sessionOf(principal: string): string | undefined {
  return /^arn:[^:]*:sts::\d*:assumed-role\/[^/]+\/(.+)$/.exec(principal)?.[1];
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

// ---- who may ask, and who may approve ---------------------------------------------------------------------

/** Names of roles, in the deployment and never in `rekey.yml`. No role is in both lists. */
export interface TwoPeople {
  readonly mayAsk: readonly string[];
  readonly mayApprove: readonly string[];
}

/** `off`: whoever may call the admin function decides alone. For development. */
export type TwoPeopleRule = TwoPeople | "off";

export type RoleReason = "MayNotAsk" | "MayNotApprove" | "NobodyMayApprove";

export function whyMayNotAsk(rule: TwoPeopleRule, principal: string): Refusal<RoleReason> | undefined {
  if (rule === "off") return undefined;
  if (rule.mayAsk.length === 0 || rule.mayApprove.length === 0) return nobodyNamed;
  if (isOf(rule.mayAsk, principal)) return undefined;
  const detail = `${principal} may not give an order that needs a second person (twoPeople.mayAsk names who may)`;
  return { reason: "MayNotAsk", detail };
}

/** New keys are made for roles that the deployment names, and for nobody else. */
export function whyMayNotIssue(
  roles: readonly string[],
  principal: string,
): Refusal<"MayNotIssue"> | undefined {
  if (isOf(roles, principal)) return undefined;
  const detail =
    roles.length === 0
      ? "the deployment names nobody who may issue secrets (issuers)"
      : `${principal} may not issue secrets (issuers names who may)`;
  return { reason: "MayNotIssue", detail };
}

export function whyMayNotApprove(rule: TwoPeopleRule, principal: string): Refusal<RoleReason> | undefined {
  if (rule === "off" || isOf(rule.mayApprove, principal)) return undefined;
  if (rule.mayApprove.length === 0) return nobodyNamed;
  const detail = `${principal} may not approve orders (twoPeople.mayApprove names who may)`;
  return { reason: "MayNotApprove", detail };
}

const nobodyNamed: Refusal<RoleReason> = {
  reason: "NobodyMayApprove",
  detail:
    "this needs a second person, and the deployment names nobody who may ask and nobody who may approve",
};

function isOf(roles: readonly string[], principal: string): boolean {
  const role = /^arn:[^:]*:(?:iam::\d*:role|sts::\d*:assumed-role)\/([^/]+)/.exec(principal)?.[1];
  return role !== undefined && roles.includes(role);
}
