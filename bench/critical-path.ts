import type { HistoryEvent } from "@aws-sdk/client-sfn";

/** One visit to one state, and the visit that led to it in its own branch. */
export interface Visit {
  readonly state: string;
  /** A state that does work itself; a Parallel or a Map lasts as long as everything in it. */
  readonly isTask: boolean;
  readonly enteredAtMs: number;
  /** Absent while it lasts. */
  readonly exitedAtMs?: number;
}

interface Known {
  readonly state: string;
  readonly isTask: boolean;
  readonly enteredAtMs: number;
  readonly enteredId: number;
  readonly before: Known | undefined;
  exitedAtMs: number;
  exitedId: number;
  /** It waits for a callback; and the event in which one came. */
  isWait: boolean;
  calledId?: number;
}

/**
 * The states that had to be passed before the last visit to `state` that was entered by `atMs`, first to
 * last. A wait that ended by a callback ended because of a task elsewhere, so the path goes through that task
 * and not through the wait. If several tasks were at work then, it goes through the one with the longer path.
 */
export function criticalPath(
  events: readonly HistoryEvent[],
  until: { readonly state: string; readonly atMs: number },
): readonly Visit[] {
  const visits = visitsIn(events);
  const end = visits.findLast(({ state, enteredAtMs }) => state === until.state && enteredAtMs <= until.atMs);
  if (end === undefined) throw new Error(`the execution had not entered ${until.state} by then`);
  const paths = new Map<Known, readonly Known[]>();
  // Oldest first, so that whatever leads to a visit already has its path.
  for (const visit of visits) paths.set(visit, [...wayTo(visit, { visits, paths }), visit]);
  return (paths.get(end) ?? []).map(({ state, isTask, enteredAtMs, exitedAtMs }) => ({
    ...{ state, isTask, enteredAtMs },
    ...(Number.isFinite(exitedAtMs) && { exitedAtMs }),
  }));
}

interface Walk {
  readonly visits: readonly Known[];
  readonly paths: ReadonlyMap<Known, readonly Known[]>;
}

function wayTo({ before }: Known, { visits, paths }: Walk): readonly Known[] {
  if (before === undefined) return [];
  const own = paths.get(before) ?? [];
  const { calledId } = before;
  if (calledId === undefined) return own;
  const atWork = visits.filter(
    (visit) => visit.isTask && !visit.isWait && visit.enteredId < calledId && calledId < visit.exitedId,
  );
  const ways = atWork.filter((visit) => !own.includes(visit)).map((visit) => paths.get(visit) ?? []);
  // A task that was called by another task that is still at work was woken by the same call, a moment earlier.
  const callers = ways.filter((way) => !way.slice(0, -1).some((visit) => atWork.includes(visit)));
  const [longest] = callers.sort((a, b) => b.length - a.length);
  return longest ?? own;
}

function visitsIn(events: readonly HistoryEvent[]): readonly Known[] {
  const visits: Known[] = [];
  const visitOf = new Map<number, Known>();
  for (const event of events) {
    const { id = 0, previousEventId = 0, timestamp, type } = event;
    const atMs = timestamp?.getTime() ?? 0;
    let visit = visitOf.get(previousEventId);
    const entered = event.stateEnteredEventDetails?.name;
    const exited = event.stateExitedEventDetails?.name;
    if (entered !== undefined) {
      visit = newVisit({ state: entered, isTask: type === "TaskStateEntered", atMs, id, before: visit });
      visits.push(visit);
    }
    while (exited !== undefined && visit !== undefined && visit.state !== exited) visit = visit.before;
    if (exited !== undefined && visit !== undefined) Object.assign(visit, { exitedAtMs: atMs, exitedId: id });
    if (event.taskScheduledEventDetails?.resource?.endsWith("waitForTaskToken") && visit) visit.isWait = true;
    if (type === "TaskSucceeded" && visit?.isWait) visit.calledId = id;
    if (visit !== undefined) visitOf.set(id, visit);
  }
  return visits;
}

function newVisit(entry: {
  readonly state: string;
  readonly isTask: boolean;
  readonly atMs: number;
  readonly id: number;
  readonly before: Known | undefined;
}): Known {
  const { state, isTask, atMs, id, before } = entry;
  const open = { exitedAtMs: Number.POSITIVE_INFINITY, exitedId: Number.POSITIVE_INFINITY, isWait: false };
  return { state, isTask, before, enteredAtMs: atMs, enteredId: id, ...open };
}
