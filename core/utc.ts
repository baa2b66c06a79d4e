const dayMs = 86_400_000;

/** Formats milliseconds since the epoch like "2026-11-22 03:01:09Z": for people, in whole seconds, always UTC. */
export function utcText(ms: number): string {
  const { year, month, day } = dateOf(Math.floor(ms / dayMs));
  const seconds = Math.floor((((ms % dayMs) + dayMs) % dayMs) / 1000);
  const time = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => two(Math.floor(part)));
  return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)} ${time.join(":")}Z`;
}

/** RFC 3339 with milliseconds, like "2026-11-22T03:01:09.250Z": for documents that programs read. */
export function isoText(ms: number): string {
  const rest = ((Math.floor(ms) % 1000) + 1000) % 1000;
  return `${utcText(Math.floor(ms)).slice(0, -1).replace(" ", "T")}.${String(rest).padStart(3, "0")}Z`;
}

function two(value: number): string {
  return String(value).padStart(2, "0");
}

/** The date of a day counted from 1970-01-01, by Howard Hinnant's `civil_from_days` (eras of 400 years). */
export function dateOf(days: number): {
  readonly year: number;
  readonly month: number;
  readonly day: number;
} {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const yearOfEra = Math.floor(
    (dayOfEra -
      Math.floor(dayOfEra / 1460) +
      Math.floor(dayOfEra / 36_524) -
      Math.floor(dayOfEra / 146_096)) /
      365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const shiftedMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const day = dayOfYear - Math.floor((153 * shiftedMonth + 2) / 5) + 1;
  const month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day };
}
