/** "1.2 s", "4 min", "3 h", "12 d": one unit, as people say it. */
export function span(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** "4:07", or "1:04:07" from an hour on: for clocks that run. */
export function clock(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000);
  const two = (count: number) => String(count).padStart(2, "0");
  const hours = Math.floor(seconds / 3_600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${hours > 0 ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}`;
}

export function distance(atMs: number, nowMs: number): string {
  return atMs <= nowMs ? `${span(nowMs - atMs)} ago` : `in ${span(atMs - nowMs)}`;
}

/** UTC to the second. */
export function utc(atMs: number): string {
  return Number.isFinite(atMs) ? new Date(atMs).toISOString().slice(0, 19).replace("T", " ") : "?";
}
