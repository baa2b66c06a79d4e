import type { Tally } from "../consumer.ts";

/** What one start of a program wrote. */
export interface ProgramTally extends Tally {
  readonly host: string;
  /** When it served first and last; absent until it has. */
  readonly fromMs?: number;
  readonly untilMs?: number;
}

/** How the hosts of one program restarted it. */
export interface Restarts {
  readonly hosts: number;
  /** Hosts that serve again after a restart. */
  readonly restarted: number;
  /** The most hosts that did not serve at the same time. */
  readonly mostAtOnce: number;
}

interface Gap {
  readonly fromMs: number;
  readonly toMs: number;
}

export function sumOf(tallies: readonly Tally[]): Tally {
  return {
    requests: tallies.reduce((sum, { requests }) => sum + requests, 0),
    failed: tallies.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** Between two starts of one host nobody is served there. */
export function restartsIn(tallies: readonly ProgramTally[], hosts: readonly string[]): Restarts {
  const gaps = hosts.map((host) => gapsIn(tallies.filter((each) => each.host === host)));
  const all = gaps.flat();
  const downAt = (ms: number) => all.filter(({ fromMs, toMs }) => fromMs <= ms && ms < toMs).length;
  return {
    hosts: hosts.length,
    restarted: gaps.filter(({ length }) => length > 0).length,
    mostAtOnce: Math.max(0, ...all.map(({ fromMs }) => downAt(fromMs))),
  };
}

function gapsIn(starts: readonly ProgramTally[]): readonly Gap[] {
  const served = starts
    .flatMap(({ fromMs, untilMs }) =>
      fromMs === undefined || untilMs === undefined ? [] : [{ fromMs, untilMs }],
    )
    .sort((one, other) => one.fromMs - other.fromMs);
  return served.slice(1).map(({ fromMs }, at) => ({ fromMs: served[at]?.untilMs ?? fromMs, toMs: fromMs }));
}
