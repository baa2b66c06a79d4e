import { durationText } from "../../core/duration.ts";
import { gapsOf, nextFirings } from "../../core/firings.ts";
import type { Policy } from "../../core/policy.ts";
import { utcText } from "../../core/utc.ts";
import { instantIn } from "../zone-time.ts";
import type { BlockMistake } from "./block.ts";

const shownFirings = 3;

/** The next firings of a policy's schedule, as far as its expression says them: a `rate` has a start of its own. */
export function firingsOf(
  policy: Policy,
  { nowMs, startAtMs }: { readonly nowMs: number; readonly startAtMs?: number },
) {
  const { schedule: expression, scheduleTimezone: timezone } = policy;
  if (expression === undefined) return [];
  return nextFirings({ expression, timezone }, { afterMs: nowMs, count: shownFirings, startAtMs, instantIn });
}

/** A schedule that never fires again, or again before its rotation can be over. */
export function scheduleMistakes(policy: Policy, nowMs: number): readonly BlockMistake[] {
  const { schedule, overlapMs, quietMs } = policy;
  if (schedule === undefined) return [];
  const firings = firingsOf(policy, { nowMs });
  if (firings.length === 0) {
    const when = schedule.startsWith("at(") ? "this time is past" : "there is no such day in its years";
    return [
      { path: ["rotate"], message: `never fires again: ${when}; write \`rotate: manual\` to rotate by hand` },
    ];
  }
  const gaps = gapsOf(schedule);
  if (gaps === undefined || gaps.shortestMs > overlapMs + quietMs) return [];
  const often = `rotates again after ${durationText(gaps.shortestMs)}`;
  const takes = `one rotation may take the overlap of ${durationText(overlapMs)} and the quiet window of ${durationText(quietMs)}`;
  const next = schedule.startsWith("rate(") ? "" : `; it fires ${firings.map(utcText).join(", ")}`;
  return [{ path: ["rotate"], message: `${often}, but ${takes}${next}` }];
}
