import { AccountBusy } from "../../core/errors.ts";
import type { ProviderPolicy } from "../../core/policy.ts";
import { bookCall, paid, paused } from "../../core/provider-account.ts";
import { isIncidentWork } from "../../core/rotation/stop-order.ts";
import type { Http, HttpReply } from "../../providers/http.ts";
import { retryAfterMs } from "../../providers/reply-text.ts";
import type { Deps } from "../deps.ts";
import { type Invocation, invocation } from "../invocation.ts";

type Needs = Pick<Deps, "ledger" | "clock">;

/** A call that begins its function's work comes back later rather than keep a function waiting. */
const firstWaitMaxMs = 2_000;
/** What was begun goes on if it can: all waits of one function together, well within its time. */
const waitsMaxMs = 12_000;

/**
 * The client of one provider account under its budget, which all functions share. A call of an incident is counted
 * and never waits, neither for the budget nor for a Retry-After that another call was given: its clock is running.
 */
export function budgetedHttp(http: Http, provider: ProviderPolicy, deps: Needs): Http {
  if (provider.budget === undefined) return http;
  return {
    async send(request) {
      await waitForTurn(provider, deps);
      const reply = await http.send(request);
      if (reply.status === 429) await notePause({ reply, account: provider.account }, deps);
      return reply;
    },
  };
}

async function waitForTurn({ account, budget = {} }: ProviderPolicy, deps: Needs): Promise<void> {
  const now = invocation();
  if (now?.incidentId !== undefined) return countOnly({ account, budget }, deps);
  const leftMs = waitsMaxMs - (now?.waitedMs ?? 0);
  const waitMaxMs = now?.calls === 0 ? Math.min(firstWaitMaxMs, leftMs) : leftMs;
  let answer: ReturnType<typeof bookCall> | undefined;
  await deps.ledger.changeAccount(account, (use) => {
    answer = bookCall(use, { budget, nowMs: deps.clock.nowMs(), waitMaxMs });
    return answer.wait === "later" ? use : answer.use;
  });
  if (answer?.wait === "later") {
    if (await worksForIncident(now, deps)) return countOnly({ account, budget }, deps);
    const inSeconds = Math.ceil(answer.waitMs / 1000);
    throw new AccountBusy(`account ${account} may be called again in ${inSeconds} s`);
  }
  if (now !== undefined) now.calls += 1;
  const waitMs = answer?.waitMs ?? 0;
  if (waitMs === 0 || (await worksForIncident(now, deps))) return;
  if (now !== undefined) now.waitedMs += waitMs;
  await deps.clock.pause(waitMs);
}

/** The steps of a rotation also replace a leaked key: then an incident holds the secret. */
async function worksForIncident(now: Invocation | undefined, { ledger }: Needs): Promise<boolean> {
  return now?.secretArn !== undefined && isIncidentWork(await ledger.secret(now.secretArn));
}

/** Containment goes on whatever the count does: a ledger that fails must not keep a leaked key alive. */
async function countOnly(
  { account, budget }: { readonly account: string; readonly budget: NonNullable<ProviderPolicy["budget"]> },
  { ledger, clock }: Needs,
): Promise<void> {
  const counted = ledger.changeAccount(account, (use) => paid(use, { budget, nowMs: clock.nowMs() }));
  await counted.catch(() => undefined);
}

async function notePause(
  { reply, account }: { readonly reply: HttpReply; readonly account: string },
  { ledger, clock }: Needs,
): Promise<void> {
  const forMs = retryAfterMs(reply);
  if (forMs === undefined) return;
  const noted = ledger.changeAccount(account, (use) => paused(use, { nowMs: clock.nowMs(), forMs }));
  // The call that was refused says the same to its own step, whatever becomes of this note.
  await noted.catch(() => undefined);
}
