import type { AdoptionReason } from "./adoption.ts";

/** A reason as a person reads it: who, what, how long ago. */
export function sayReason(reason: AdoptionReason): string {
  const who = [reason.consumer, reason.instance && `instance ${reason.instance}`].filter(Boolean).join(": ");
  const subject = who === "" ? "" : `${who} `;
  return `${subject}${whatOf(reason)}${whenOf(reason)}`;
}

function whatOf(reason: AdoptionReason): string {
  switch (reason.reason) {
    case "RetiringKeyStillUsed":
      return reason.source === "provider" ? "the provider saw the retiring key used" : "still used the retiring key";
    case "QuietWindowOpen":
      return "the quiet window is still open";
    case "HoldsRetiringKey":
      return "still holds the retiring key";
    case "NoLiveInstance":
    case "HoldsUnknownKey":
    case "IncomingKeyUnused":
    case "IncomingKeyRefused":
    case "NotRestarted":
    case "RestartFailed":
    case "NotRead":
    case "NotAttested":
    case "ProviderSilent":
    case "UndeclaredConsumer":
      return reason.detail;
  }
}

function whenOf({ reason, agoMs, remainingMs }: AdoptionReason): string {
  if (reason === "QuietWindowOpen") return remainingMs === undefined ? "" : ` for ${sayDuration(remainingMs)}`;
  if (agoMs === undefined) return "";
  return reason === "RetiringKeyStillUsed" ? ` ${sayDuration(agoMs)} ago` : `, seen ${sayDuration(agoMs)} ago`;
}

/** In the largest unit that keeps two figures: "1.2 s", "4 min", "3 h", "12 d". */
export function sayDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
