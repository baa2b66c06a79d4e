/** The time formats that the sources use. */

const isoTime = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))? ?(?:(Z)|([+-]\d\d):?(\d\d))?$/;

/** Milliseconds since the epoch of an ISO 8601 time; without a zone it is UTC. */
export function isoTimeMs(text: string | undefined): number | undefined {
  const match = text === undefined ? null : isoTime.exec(text);
  if (match === null) return undefined;

  const [, date, time, fraction = "0", zulu, hours = "+00", minutes = "00"] = match;
  const zone = zulu ?? `${hours}:${minutes}`;
  return sensible(Date.parse(`${date}T${time}.${fraction.slice(0, 3).padEnd(3, "0")}${zone}`));
}

/** Epoch seconds, whole or with a fraction, or an ISO 8601 time: GitGuardian does not say which it sends. */
export function epochOrIsoTimeMs(text: string): number | undefined {
  if (/^\d{1,11}(?:\.\d{1,9})?$/.test(text)) return sensible(Math.floor(Number(text) * 1000));
  return isoTimeMs(text);
}

function sensible(ms: number): number | undefined {
  return Number.isSafeInteger(ms) && ms >= 0 ? ms : undefined;
}
