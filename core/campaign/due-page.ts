import type { Campaign, CampaignPage } from "./record.ts";

/** Keys that need people come in waves too: one list in this time, not one page for each. */
const listEveryMs = 3 * 60_000;
/** A missed deadline pages again until nothing is open, or until somebody has paused the campaign: they know of it. */
const deadlineEveryMs = 10 * 60_000;
const beforeDeadlineMs = 60_000;

/** What people have to hear of the campaign now; undefined if nothing is new. */
export function duePage(campaign: Campaign, nowMs: number): CampaignPage["reason"] | undefined {
  const { pages, paused, figures, deadlineAtMs } = campaign;
  const last = (reason: CampaignPage["reason"]) =>
    pages.findLast((page) => page.reason === reason && page.delivered.length > 0);
  if (last("opened") === undefined) return "opened";
  if (paused !== undefined && paused.by === "rekey" && (last("paused")?.atMs ?? 0) < paused.atMs)
    return "paused";
  const isOpen = figures.contained < figures.keys;
  const isLate = nowMs >= deadlineAtMs - beforeDeadlineMs;
  if (isOpen && isLate && nowMs - (last("deadline")?.atMs ?? 0) >= deadlineEveryMs) return "deadline";
  const listed = last("needPeople");
  if (figures.needPeople <= (listed?.needPeople ?? 0)) return undefined;
  return nowMs - (listed?.atMs ?? 0) >= listEveryMs ? "needPeople" : undefined;
}
