import { deploymentChain } from "../../../audit/chain.ts";
import { confirmWithinMs, pendingOrder, whyMayNotApprove, whyNotApprove } from "../../../core/orders.ts";
import type { AdminDeps } from "../../deps.ts";
import { type AdminCommand, type Answer, type Caller, refused } from "../command.ts";
import { lasting } from "./lasting.ts";
import { changeWaiting, givenOf, type OrderWaiting, waitingOrder, waitingOrders } from "./pending.ts";
import type { Given, What } from "./what.ts";

export interface Approval {
  /** An order's id, or a rotation's. */
  readonly order: string;
  readonly digest?: string;
  readonly caller: Caller;
  readonly reached: readonly string[];
}

interface Around {
  readonly deps: AdminDeps;
  commandOf(name: string): AdminCommand | undefined;
}

export async function listWaiting({ atMs }: Caller, deps: AdminDeps): Promise<Answer> {
  const waiting = await waitingOrders(atMs, deps);
  const orders = waiting.map(({ order, command, askedBy, askedAtMs, untilMs }) => ({
    ...{ order, command, askedBy, askedAtMs, untilMs },
  }));
  return { outcome: "listed", orders };
}

/** Undefined if no order has this id. */
export async function approveOrder(
  approval: Approval,
  { deps, commandOf }: Around,
): Promise<Answer | undefined> {
  const waiting = await waitingOrder(approval.order, deps);
  if (waiting === undefined) return undefined;
  const given = await givenOf(waiting, deps);
  const command = commandOf(waiting.command);
  if (given === undefined || command === undefined) return changedSince(waiting);
  if (waiting.outcome !== undefined) return alreadyOver(waiting);
  if (waiting.approvedBy === undefined) {
    if (approval.caller.atMs > waiting.untilMs) return waitedTooLong(waiting);
    const what = await lasting[waiting.command]?.(given, deps);
    if (what === undefined) return changedSince(waiting);
    if (approval.digest === undefined) return show({ waiting, what, caller: approval.caller }, deps);
    const refusal = await confirm({ waiting, what, digest: approval.digest, caller: approval.caller }, deps);
    if (refusal !== undefined) return refusal;
  }
  return carryOut({ command, given, approval }, deps);
}

interface Shown {
  readonly waiting: OrderWaiting;
  readonly what: What;
  readonly caller: Pick<Caller, "principal" | "atMs" | "requestId">;
}

async function show({ waiting, what, caller }: Shown, deps: AdminDeps): Promise<Answer> {
  const { order, askedBy, command } = waiting;
  const about = { order, command, kind: command, what, askedBy };
  // Somebody who may not approve is shown the order too, and the digest that others were shown stays valid.
  const notTheirs = whyMayNotApprove(deps.twoPeople, caller.principal);
  if (notTheirs !== undefined)
    return { outcome: "shown", ...about, untilMs: waiting.untilMs, mayNot: notTheirs.detail };
  const { digest, untilMs } = shownNow({ waiting, what, caller }, deps);
  await changeWaiting(order, (now) => ({ ...now, shown: { digest, to: caller.principal, untilMs } }), deps);
  return { outcome: "shown", ...about, digest, untilMs };
}

/** The digest also covers what was asked in full, of which a person is shown what matters. */
function shownNow(
  { waiting, what, caller }: Omit<Shown, "caller"> & { readonly caller: Pick<Caller, "principal" | "atMs"> },
  deps: AdminDeps,
) {
  const { command: kind, askedBy, inputSha256 } = waiting;
  const { principal: shownTo, atMs: nowMs } = caller;
  return pendingOrder({ kind, what: { ...what, inputSha256 }, askedBy, shownTo, nowMs }, deps.digest);
}

async function confirm(
  { waiting, what, caller, digest }: Shown & { readonly digest: string },
  deps: AdminDeps,
): Promise<Answer | undefined> {
  const { principal: by, atMs: nowMs, requestId } = caller;
  let refusal: ReturnType<typeof whyNotApprove>;
  await changeWaiting(
    waiting.order,
    (now) => {
      // Computed again from how things are now: what has changed since it was shown has another digest.
      const last = now.shown;
      const seen = last && { principal: last.to, atMs: last.untilMs - confirmWithinMs };
      const order = seen && shownNow({ waiting, what, caller: seen }, deps);
      refusal = whyNotApprove(order, { by, digest, nowMs, rule: deps.twoPeople });
      if (refusal !== undefined || now.approvedBy !== undefined) return now;
      return { ...now, approvedBy: by, approvedAtMs: nowMs };
    },
    deps,
  );
  if (refusal !== undefined)
    return refused({ ...refusal, hint: `look at it with \`rekey approve ${waiting.order}\`` });
  await deps.audit.append(deploymentChain, {
    id: `${requestId}/approved`,
    atMs: nowMs,
    actor: by,
    action: "OrderApproved",
    detail: { order: waiting.order, command: waiting.command, askedBy: waiting.askedBy, digest },
  });
  return undefined;
}

interface CarryingOut {
  readonly command: AdminCommand;
  readonly given: Given;
  readonly approval: Approval;
}

/**
 * The order is carried out as the person who asked, and marked with the person who approved. If it was interrupted,
 * approving it again continues it.
 */
async function carryOut({ command, given, approval }: CarryingOut, deps: AdminDeps): Promise<Answer> {
  const { order, reached, caller } = approval;
  const approved = await waitingOrder(order, deps);
  if (approved?.approvedBy === undefined)
    return refused({ reason: "NothingShown", detail: "it is not approved" });
  const { approvedBy, askedBy } = approved;
  const input = reached.length === 0 ? given : { ...given, reached };
  const answer = await command(
    { input, caller: { principal: askedBy, atMs: caller.atMs, requestId: order, approvedBy } },
    { ...deps, audit: signedBy(approvedBy, deps) },
  );
  if (answer.outcome !== "notFinished")
    await changeWaiting(order, (now) => ({ ...now, outcome: answer.outcome }), deps);
  return { ...answer, order, command: approved.command, approvedBy, askedBy };
}

/** Every entry of an approved order says who approved it. */
function signedBy(approvedBy: string, { audit }: AdminDeps): AdminDeps["audit"] {
  return {
    append: (chain, event) => audit.append(chain, { ...event, detail: { ...event.detail, approvedBy } }),
  };
}

function alreadyOver({ order, outcome = "", approvedBy = "" }: OrderWaiting): Answer {
  const detail = `${order} was approved by ${approvedBy}, and ended ${outcome}`;
  return refused({ reason: "OrderOver", detail });
}

function waitedTooLong({ order, askedBy }: OrderWaiting): Answer {
  const detail = `nobody approved ${order} in time`;
  return refused({ reason: "OrderTooOld", detail, hint: `${askedBy} has to ask again` });
}

function changedSince({ order, askedBy }: OrderWaiting): Answer {
  const detail = `${order} would no longer do what was asked`;
  return refused({ reason: "OrderChanged", detail, hint: `${askedBy} has to ask again` });
}
