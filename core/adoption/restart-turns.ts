/**
 * Instances of one consumer restart one after another: hosts cannot see each other, and would all be down at once. A
 * turn decides nothing about a key: who gets none keeps its key, reports it, and so the retiring key stays alive.
 */
export interface RestartTurns {
  readonly held: readonly Turn[];
  /** A start that was not ready with its version: whoever else restarted would be down too. */
  readonly failed?: { readonly instance: string; readonly versionId: string; readonly atMs: number };
}

export interface Turn {
  readonly instance: string;
  /** The AWS principal that asked: nobody else gives it back. */
  readonly by: string;
  readonly versionId: string;
  /** A host that died while it restarted holds the others up for so long and no longer. */
  readonly untilMs: number;
}

export interface TurnRequest {
  readonly action: "ask" | "done" | "failed";
  readonly instance: string;
  readonly by: string;
  readonly versionId: string;
}

export type TurnAnswer =
  | { readonly outcome: "granted" | "noted" }
  | { readonly outcome: "wait" | "refused"; readonly retryMs: number; readonly reason: string };

export const noTurns: RestartTurns = { held: [] };

/** A stop, a start and `--ready`, with time to spare: the three take ten minutes at most by default. */
export const turnMs = 15 * 60_000;
/** After a failed start nobody tries for so long; then one does, because what was in its way may be gone. */
export const failedMs = 10 * 60_000;
const retryMinMs = 5_000;
const retryMaxMs = 60_000;

export interface TurnChange {
  readonly turns: RestartTurns;
  readonly answer: TurnAnswer;
}

/** `atOnce`: how many of the consumer's instances may be down at the same time. */
export function takeTurn(
  before: RestartTurns,
  request: TurnRequest,
  { nowMs, atOnce }: { readonly nowMs: number; readonly atOnce: number },
): TurnChange {
  const turns = { ...before, held: before.held.filter(({ untilMs }) => untilMs > nowMs) };
  return request.action === "ask"
    ? asked(turns, request, { nowMs, atOnce })
    : { turns: ended(turns, request, nowMs), answer: { outcome: "noted" } };
}

function asked(
  turns: RestartTurns,
  { instance, by, versionId }: TurnRequest,
  { nowMs, atOnce }: { readonly nowMs: number; readonly atOnce: number },
): TurnChange {
  const { held, failed } = turns;
  // A repeat after a lost answer: the turn is not made longer by it.
  const own = held.find((each) => each.instance === instance && each.by === by);
  if (own?.versionId === versionId) return { turns, answer: { outcome: "granted" } };
  if (failed?.versionId === versionId && nowMs < failed.atMs + failedMs) {
    const reason = `${failed.instance} is not ready with this version`;
    const retryMs = bounded(failed.atMs + failedMs - nowMs);
    return { turns, answer: { outcome: "refused", retryMs, reason } };
  }
  const others = held.filter((each) => each !== own);
  if (others.length >= atOnce) {
    const reason = `${others.map((each) => each.instance).join(", ")} restarts first`.slice(0, 200);
    return { turns, answer: { outcome: "wait", retryMs: retryMinMs, reason } };
  }
  const turn = { instance, by, versionId, untilMs: nowMs + turnMs };
  return { turns: { ...turns, held: [...others, turn] }, answer: { outcome: "granted" } };
}

/** Only of a turn that this caller holds: anybody else's word about an instance changes nothing. */
function ended(turns: RestartTurns, { action, instance, by, versionId }: TurnRequest, nowMs: number) {
  const isIts = (turn: Turn) => turn.instance === instance && turn.by === by && turn.versionId === versionId;
  const own = turns.held.find(isIts);
  if (own === undefined) return turns;
  const held = turns.held.filter((turn) => turn !== own);
  if (action === "failed") return { held, failed: { instance, versionId, atMs: nowMs } };
  const { failed, ...rest } = { ...turns, held };
  return failed === undefined || failed.versionId === versionId ? rest : { ...rest, failed };
}

const bounded = (ms: number): number => Math.min(Math.max(ms, retryMinMs), retryMaxMs);
