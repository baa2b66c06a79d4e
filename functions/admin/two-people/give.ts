import { deploymentChain } from "../../../audit/chain.ts";
import { whyMayNotAsk } from "../../../core/orders.ts";
import type { AdminDeps } from "../../deps.ts";
import { type AdminCommand, type Answer, type Caller, type Order, refused } from "../command.ts";
import { alone, lasting } from "./lasting.ts";
import { pageEverybody } from "./page-everybody.ts";
import { keepWaiting, pendingMax, pendingMs, waitingOrder, waitingOrders } from "./pending.ts";
import { tellApprovers } from "./tell-approvers.ts";
import type { Given, What } from "./what.ts";

export interface Request {
  readonly name: string;
  readonly command: AdminCommand;
  readonly order: Order<unknown>;
}

/** Carries an order out, or keeps it until another person approves it. */
export async function give({ name, command, order }: Request, deps: AdminDeps): Promise<Answer> {
  const { caller } = order;
  const look = Object.hasOwn(lasting, name) ? lasting[name] : undefined;
  if (deps.twoPeople === "off" || (look === undefined && !alone.has(name))) return command(order, deps);
  const read = await command.read(order.input, deps);
  if (read.outcome === "refused") return read;
  const { given } = read;
  const what = await look?.(given, deps);
  if (what !== undefined) return ask({ name, given, what, caller }, deps);
  if (!alone.has(name)) return command(order, deps);
  const answer = await command({ input: order.input, caller: { ...caller, alone: true } }, deps);
  if (answer.outcome === "refused") return answer;
  return { ...answer, alone: true, paged: await pageEverybody({ name, given, caller }, deps) };
}

interface Asked {
  readonly name: string;
  readonly given: Given;
  readonly what: What;
  readonly caller: Caller;
}

async function ask({ name, given, what, caller }: Asked, deps: AdminDeps): Promise<Answer> {
  const { principal, atMs, requestId } = caller;
  const notTheirs = whyMayNotAsk(deps.twoPeople, principal);
  if (notTheirs !== undefined)
    return refused({ ...notTheirs, hint: "the deployment says who may, in stages/<stage>.yml" });
  const waiting = await waitingOrders(atMs, deps);
  if (waiting.length >= pendingMax) {
    const detail = `${waiting.length} orders wait for a second person already`;
    return refused({ reason: "TooManyOrders", detail, hint: "see them with `rekey approve`" });
  }
  const order = `o-${requestId.slice(0, 10)}`;
  const untilMs = atMs + pendingMs;
  // The same request again asks for the same order, of which people have heard.
  const isKnown = (await waitingOrder(order, deps)) !== undefined;
  await keepWaiting(
    { order, command: name, given, what, askedBy: principal, askedAtMs: atMs, untilMs },
    deps,
  );
  await deps.audit.append(deploymentChain, {
    id: `${requestId}/asked`,
    atMs,
    actor: principal,
    action: "OrderAsked",
    detail: { order, command: name },
  });
  const told = isKnown ? [] : await tellApprovers({ order, name, what, askedBy: principal, untilMs }, deps);
  return { outcome: "pending", order, command: name, what, untilMs, ...(!isKnown && { told }) };
}
