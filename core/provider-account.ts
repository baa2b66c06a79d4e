/**
 * How hard Rekey may press on one account of a provider. All functions count in one record of the ledger, so that a
 * hundred rotations at once are no more to the provider than one.
 */
export interface AccountBudget {
  readonly callsPerSecond?: number;
  readonly callsPerMinute?: number;
  /** Rotations that may be making a key at the same time. */
  readonly mintsAtOnce?: number;
  /** After so many rotations in a row that failed at the provider, the account is stopped. */
  readonly failuresInARow?: number;
}

/** What a campaign takes of an account without a budget: every provider under Rekey answers so many. */
const callsPerSecondElse = 5;

/** The calls a second that an account answers for as long as it is asked, by the narrower of its windows. */
export function steadyCallsPerSecond(budget: AccountBudget | undefined): number {
  const { callsPerSecond = callsPerSecondElse, callsPerMinute = Number.POSITIVE_INFINITY } = budget ?? {};
  return Math.min(callsPerSecond, callsPerMinute / 60);
}

export interface Budgeted {
  /** What all rotations together may ask of this account; absent: nothing is counted. */
  readonly budget?: AccountBudget;
  /** Set by a campaign: until then its incidents wait for their account as rotations do. */
  readonly incidentsWaitUntilMs?: number;
}

/** An account as a campaign asks it: its hundred incidents wait for each other, also where no budget is declared. */
export function waitingUntil<Account extends Budgeted>(account: Account, untilMs: number): Account {
  const budget = { callsPerSecond: callsPerSecondElse, ...account.budget };
  return { ...account, budget, incidentsWaitUntilMs: untilMs };
}

/** What is used up of a budget. */
export interface AccountUse {
  /** By window, the time from which on the next call is within the budget even without the burst. */
  readonly paidUntilMs?: { readonly second?: number; readonly minute?: number };
  /** The provider asked to wait until then. */
  readonly pausedUntilMs?: number;
  readonly mints?: readonly { readonly runId: string; readonly untilMs: number }[];
  /** The rotations that have their turn take all calls until then. */
  readonly turnsUntilMs?: number;
}

/** A longer Retry-After is not waited out: it may be a mistake, and the provider says it again to the next call. */
export const pauseMaxMs = 5 * 60_000;
/** Longer than the function that mints may run, so a slot of one that died becomes free. */
const mintMaxMs = 90_000;

export type CallAnswer =
  | {
      readonly wait: "none" | "ahead";
      readonly use: AccountUse;
      readonly waitMs: number;
      readonly calls: number;
    }
  | { readonly wait: "later"; readonly waitMs: number };

interface Booking {
  readonly budget: AccountBudget;
  readonly nowMs: number;
  /** So many calls of the minute, made within `bookedMaxMs`: a step that has begun is not sent away in its middle. */
  readonly calls?: number;
}

/** What was booked ahead has to be used within this time. */
export const bookedMaxMs = 10_000;

export interface Patience {
  readonly waitMaxMs: number;
  /** The share of the burst that is left to others: what begins waits for what has begun. */
  readonly leave?: number;
}

/**
 * Books calls. `ahead`: they are booked, and the first has to be made after `waitMs`. `later`: nothing is booked,
 * because the wait would be longer than `waitMaxMs`. In no second and no minute are there more calls than the budget says.
 */
export function bookCall(use: AccountUse, ask: Booking & Patience): CallAnswer {
  const { nowMs, waitMaxMs, leave = 0 } = ask;
  const startMs = windowsOf(ask.budget).map(
    ({ name, burstMs }) => paidUntil(use, name, ask) - burstMs * (1 - leave),
  );
  const waitMs = Math.max(0, pauseLeftMs(use, nowMs), ...startMs.map((ms) => ms - nowMs));
  if (waitMs > waitMaxMs) return { wait: "later", waitMs };
  const calls = Math.min(ask.calls ?? 1, bookableIn(ask.budget));
  return { wait: waitMs === 0 ? "none" : "ahead", waitMs, calls, use: paid(use, { ...ask, calls }) };
}

/** No more than are earned in the time for which they are booked. */
function bookableIn({ callsPerMinute }: AccountBudget): number {
  const [minute] = windowsOf(callsPerMinute === undefined ? {} : { callsPerMinute });
  return minute === undefined ? 1 : Math.max(1, Math.floor(bookedMaxMs / minute.everyMs));
}

/** Counts calls that do not wait: an incident's. Those that can wait make up for them. */
export function paid(use: AccountUse, ask: Booking): AccountUse {
  const windows = windowsOf(ask.budget);
  if (windows.length === 0) return use;
  const { calls = 1 } = ask;
  const paidUntilMs = Object.fromEntries(
    windows.map(({ name, everyMs }) => [
      name,
      paidUntil(use, name, ask) + everyMs * (name === "minute" ? calls : 1),
    ]),
  );
  return { ...use, paidUntilMs: { ...use.paidUntilMs, ...paidUntilMs } };
}

interface Window {
  readonly name: "second" | "minute";
  /** One call is earned every so often. */
  readonly everyMs: number;
  /** So far ahead of what was earned calls may be made. */
  readonly burstMs: number;
}

const burstShare = 0.2;

/**
 * Burst and earned calls together are what the window may hold, those included that were booked before it began, or are
 * made before they are earned.
 */
function windowsOf({ callsPerSecond, callsPerMinute }: AccountBudget): readonly Window[] {
  return [
    // A timer cuts each wait to a whole millisecond: with a second of 1000, one call too many came into some of them.
    ...(callsPerSecond === undefined
      ? []
      : [windowOf("second", { callsMax: callsPerSecond, ms: 1_000 + callsPerSecond })]),
    ...(callsPerMinute === undefined
      ? []
      : [windowOf("minute", { callsMax: callsPerMinute, ms: 60_000 + 2 * bookedMaxMs })]),
  ];
}

function windowOf(
  name: Window["name"],
  { callsMax, ms }: { readonly callsMax: number; readonly ms: number },
): Window {
  const burst = Math.floor(callsMax * burstShare);
  const everyMs = ms / (callsMax - burst);
  return { name, everyMs, burstMs: Math.max(0, burst - 1) * everyMs };
}

/** A time too far ahead was written by a clock that was wrong: it would stop everybody. */
const aheadMaxMs = 5 * 60_000;

function paidUntil(
  { paidUntilMs }: AccountUse,
  name: Window["name"],
  { nowMs }: { readonly nowMs: number },
): number {
  const known = paidUntilMs?.[name] ?? nowMs;
  return known > nowMs + aheadMaxMs ? nowMs : Math.max(known, nowMs);
}

function pauseLeftMs({ pausedUntilMs = 0 }: AccountUse, nowMs: number): number {
  const leftMs = pausedUntilMs - nowMs;
  return leftMs > pauseMaxMs ? 0 : Math.max(0, leftMs);
}

/** The provider asked one call to wait, so every other waits too. */
export function paused(
  use: AccountUse,
  { nowMs, forMs }: { readonly nowMs: number; readonly forMs: number },
): AccountUse {
  const untilMs = nowMs + Math.min(Math.max(0, forMs), pauseMaxMs);
  return untilMs > nowMs + pauseLeftMs(use, nowMs) ? { ...use, pausedUntilMs: untilMs } : use;
}

export interface MintQuestion {
  readonly runId: string;
  readonly budget: AccountBudget;
  readonly nowMs: number;
  /** An incident's mint waits for nobody. */
  readonly isIncident: boolean;
}

/** Undefined where others are making as many keys as may be made at once. */
export function takeMint(
  use: AccountUse,
  { runId, budget, nowMs, isIncident }: MintQuestion,
): AccountUse | undefined {
  if (budget.mintsAtOnce === undefined) return use;
  const others = (use.mints ?? []).filter(
    (mint) => mint.runId !== runId && mint.untilMs > nowMs && mint.untilMs <= nowMs + aheadMaxMs,
  );
  if (others.length >= budget.mintsAtOnce && !isIncident) return undefined;
  return { ...use, mints: [...others, { runId, untilMs: nowMs + mintMaxMs }] };
}

export function giveMintBack(use: AccountUse, runId: string): AccountUse {
  const others = (use.mints ?? []).filter((mint) => mint.runId !== runId);
  return others.length === (use.mints ?? []).length ? use : { ...use, mints: others };
}

// ---- turns: which rotation begins next ---------------------------------------------------------------------

/**
 * About how many calls a rotation makes at its provider, from finding its key to the proof that it is dead: as many as
 * at OpenAI. A provider where it is another number says so (`callsPerRotation`).
 */
const usualCallsOfRotation = 28;

/** After a quiet time so many rotations begin at once as the account answers in this time. */
const turnsAtOnceMs = 60_000;

/** No turn is given further ahead: the account's budget is too small for its secrets, and a person should know. */
export const turnWaitMaxMs = 24 * 3_600_000;

interface TurnQuestion {
  readonly budget: AccountBudget;
  readonly nowMs: number;
  /** What the provider says that a rotation costs there. */
  readonly calls?: number | undefined;
}

/**
 * A rotation's turn to begin. Rotations begin in the order in which they asked, and no faster than the account answers
 * the calls of whole rotations: what has begun hardly ever finds the budget used up. A turn is a time, so whoever asked
 * only waits; a run that dies before its turn costs the others nothing but the time of one rotation. Undefined where
 * the wait would be longer than `turnWaitMaxMs`.
 */
export function takeTurn(
  use: AccountUse,
  { budget, nowMs, calls = usualCallsOfRotation }: TurnQuestion,
): { readonly use: AccountUse; readonly waitMs: number } | undefined {
  const takesMs = Math.max(0, ...windowsOf(budget).map(({ everyMs }) => everyMs * calls));
  if (takesMs === 0) return { use, waitMs: 0 };
  const fromMs = Math.max(use.turnsUntilMs ?? 0, nowMs);
  const waitMs = Math.max(0, fromMs - Math.max(0, turnsAtOnceMs - takesMs) - nowMs);
  return waitMs > turnWaitMaxMs
    ? undefined
    : { waitMs, use: { ...use, turnsUntilMs: Math.ceil(fromMs + takesMs) } };
}

// ---- an account that fails again and again ----------------------------------------------------------------

/** Failures in a row, of different rotations; a rotation that gets through ends the row. */
export interface AccountFailures {
  readonly runs: readonly { readonly runId: string; readonly error: string }[];
}

/** What a provider's account, its credential or its service is to blame for, and not one secret. */
const accountErrors: ReadonlySet<string> = new Set([
  ...["AdminCredentialRefused", "WrongProject", "QuotaReached", "KeyRejected", "MintOutcomeUnknown"],
  ...["ProviderThrottled", "ProviderUnavailable", "ProviderGarbled"],
]);

export function isAccountError(error: string | undefined): error is string {
  return error !== undefined && accountErrors.has(error);
}

/** The row with this failure. A repeat of the same run counts once. */
export function withFailure(
  failures: AccountFailures,
  failure: AccountFailures["runs"][number],
): AccountFailures {
  const { runs } = failures;
  if (runs.some(({ runId }) => runId === failure.runId)) return failures;
  return { runs: [...runs, failure].slice(-failuresMax) };
}

/** More than any budget asks for. */
export const failuresMax = 20;

/** Who ordered the stop of an account, where no person did. */
export const stoppedByRekey = "rekey";
