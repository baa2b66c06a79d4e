import { AccountBusy, LedgerContended } from "../../../core/errors.ts";
import type { ProviderPolicy } from "../../../core/policy.ts";
import {
  type AccountBudget,
  bookCall,
  bookedMaxMs,
  type CallAnswer,
  type Patience,
  paid,
  paused,
} from "../../../core/provider-account.ts";
import { isIncidentWork } from "../../../core/rotation/stop-order.ts";
import type { Http, HttpReply } from "../../../providers/http.ts";
import { retryAfterMs } from "../../../providers/reply-text.ts";
import type { Deps } from "../../deps.ts";
import { type Invocation, invocation } from "../../invocation.ts";

type Needs = Pick<Deps, "ledger" | "clock">;

/**
 * How long a function's first call is waited for; otherwise the whole step comes back later. A revoked key has to be
 * proven dead within its time, and a rotation that has begun goes on before another begins.
 */
const patience: Readonly<Record<string, Patience>> = {
  "open-rotation": { waitMaxMs: 0, leave: 0.8 },
  "mint-key": { waitMaxMs: 0, leave: 0.7 },
  // Its time begins with the revoke, so a key is revoked when its proof can be made as well.
  "revoke-key": { waitMaxMs: 0, leave: 0.5 },
  "prove-dead": { waitMaxMs: 10_000 },
  // Whoever looks at many secrets leaves most of what may be called at once to rotations.
  apply: { waitMaxMs: 2_000, leave: 0.5 },
  "observe-secrets": { waitMaxMs: 1_000, leave: 0.8 },
};
const usualPatience: Patience = { waitMaxMs: 2_000 };
/** What was begun goes on if it can: all waits of one function together, well within its time. */
const waitsMaxMs = 12_000;
/** Nothing presses, and what it cannot ask is missing in the report. */
const scopingWaitsMaxMs = 120_000;

function waitsMaxMsOf(now: Invocation | undefined): number {
  return now?.functionName === "scope-incident" ? scopingWaitsMaxMs : waitsMaxMs;
}

/**
 * The client of one provider account under its budget, which all functions share. A call of an incident is counted
 * and never waits, neither for the budget nor for a Retry-After that another call was given: its clock is running. Only
 * the incidents of a campaign wait for each other, as long as the campaign's deadline is not near.
 */
export function budgetedHttp(http: Http, provider: ProviderPolicy, deps: Needs): Http {
  if (provider.budget === undefined) return http;
  return {
    async send(request) {
      for (let sends = 1; ; sends += 1) {
        await waitForTurn(provider, deps);
        const reply = await http.send(request);
        if (reply.status !== 429) return reply;
        await notePause({ reply, account: provider.account }, deps);
        if (sends === sendsMax || !isCampaigns(provider, deps)) return reply;
      }
    },
  };
}

/** A refused call of a campaign's incident is made again after the wait: the provider did nothing. */
const sendsMax = 4;

function isCampaigns({ incidentsWaitUntilMs = 0 }: ProviderPolicy, { clock }: Needs): boolean {
  return clock.nowMs() < incidentsWaitUntilMs;
}

async function waitForTurn(provider: ProviderPolicy, deps: Needs): Promise<void> {
  const { account, budget = {} } = provider;
  const now = invocation();
  const isPatient = isCampaigns(provider, deps);
  if (now?.incidentId !== undefined && !isPatient) return countOnly({ account, budget }, deps);
  if (now !== undefined) noteCall(now);
  const isFirst = now?.calls === 1;
  const isBooked = now !== undefined && takeBooked(now, deps.clock.nowMs());
  const { callsPerSecond } = budget;
  if (isBooked && callsPerSecond === undefined) return;
  const asked: AccountBudget = isBooked && callsPerSecond !== undefined ? { callsPerSecond } : budget;
  const calls = isFirst ? usualCalls(now) : 1;
  const patient =
    isFirst && !isPatient
      ? (patience[now.functionName] ?? usualPatience)
      : { waitMaxMs: waitsMaxMsOf(now) - (now?.waitedMs ?? 0) };
  const answer = await book({ account, budget: asked, calls, ...patient }, deps);
  if (answer.waitMs > 0 && !isPatient && (await worksForIncident(now, deps))) {
    // What was booked is counted already.
    return answer.wait === "later" ? countOnly({ account, budget }, deps) : undefined;
  }
  if (answer.wait === "later") {
    const inSeconds = Math.ceil(answer.waitMs / 1000);
    throw new AccountBusy(`account ${account} may be called again in ${inSeconds} s`);
  }
  if (now !== undefined) now.waitedMs += answer.waitMs;
  if (answer.waitMs > 0) await deps.clock.pause(answer.waitMs);
  if (now !== undefined && answer.calls > 1)
    now.booked = { calls: answer.calls - 1, untilMs: deps.clock.nowMs() + bookedMaxMs };
}

async function book(
  { account, ...ask }: Patience & { account: string; budget: AccountBudget; calls: number },
  { ledger, clock }: Needs,
): Promise<CallAnswer> {
  let answer: CallAnswer = { wait: "later", waitMs: 0 };
  for (let tries = 1; ; tries += 1) {
    try {
      await ledger.changeAccount(account, (use) => {
        answer = bookCall(use, { ...ask, nowMs: clock.nowMs() });
        return answer.wait === "later" ? use : answer.use;
      });
      return answer;
    } catch (error) {
      if (!(error instanceof LedgerContended)) throw error;
      if (tries === bookingsMax) throw new AccountBusy(`too many calls of account ${account} come at once`);
      await clock.pause(contendedPauseMs * tries);
    }
  }
}

/** The account's use is one item of the ledger, and each try gives up after it was changed by others 16 times. */
const bookingsMax = 4;
const contendedPauseMs = 200;

const bookedCallsMax = 8;
/** About how many calls each function of this process makes. */
const callsOf = new Map<string, number>();

function usualCalls({ functionName }: Invocation): number {
  return Math.min(bookedCallsMax, Math.max(1, Math.round(callsOf.get(functionName) ?? 2)));
}

const fading = 0.95;

/** The most of the last few times: a step that made more once, to clean up, is not booked for it for ever. */
function noteCall(now: Invocation): void {
  now.calls += 1;
  callsOf.set(now.functionName, Math.max((callsOf.get(now.functionName) ?? 2) * fading, now.calls));
}

function takeBooked(now: Invocation, nowMs: number): boolean {
  const { calls, untilMs } = now.booked;
  if (calls === 0 || nowMs > untilMs) return false;
  now.booked = { calls: calls - 1, untilMs };
  return true;
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
