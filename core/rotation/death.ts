import type { KeyId, PropagationProfile, VerifyResult } from "../ports.ts";

/**
 * When a revoked key counts as dead, for a rotation and for an incident: refused several times in a row, spread over
 * the provider's propagation window. One refusal is no proof, because a provider's regions and caches forget at their
 * own pace (reference: 8 to 23 minutes at one, 9 seconds at another).
 */

/** Refusals in a row since the first of them; one success starts it again. */
interface Row {
  readonly refusals: number;
  readonly firstRefusedAtMs: number;
}

export interface DeathWatch extends Row {
  /** The last of them: those at which the same call accepted a live key. */
  readonly compared?: Row;
}

/** What one call said of the key, as far as its controls let it count. */
export interface CountedProbe {
  readonly answer: VerifyResult;
  readonly atMs: number;
  readonly controls?: DeathControls | undefined;
}

/** The row after one more call with the key. `notPermitted` is alive; `inconclusive` is neither. */
export function afterProbe(
  watch: DeathWatch | undefined,
  { answer, atMs, controls }: CountedProbe,
): DeathWatch | undefined {
  const live = controls?.accepted;
  switch (answer) {
    case "refused": {
      const before = watch?.compared;
      const compared = live === undefined ? before : oneMore(before, atMs);
      return { ...oneMore(watch, atMs), ...(compared && { compared }) };
    }
    case "inconclusive":
      return live?.answer === "refused" ? comparedOnly(watch) : watch;
    case "valid":
    case "notPermitted":
      return undefined;
  }
}

function oneMore(row: Row | undefined, atMs: number): Row {
  return { refusals: (row?.refusals ?? 0) + 1, firstRefusedAtMs: row?.firstRefusedAtMs ?? atMs };
}

/** The call refuses a key that lives: what it refused with nothing to compare may have been the same outage. */
function comparedOnly(watch: DeathWatch | undefined): DeathWatch | undefined {
  const compared = watch?.compared;
  if (compared === undefined) return undefined;
  return watch?.refusals === compared.refusals ? watch : { ...compared, compared };
}

/**
 * Where no live key was there to compare with, the refusals have to last as long as the provider may take to end a
 * key: nothing else tells them from an outage. Only a refusal completes the proof: after an answer that counts as
 * nothing nobody has seen the key dead, however long ago its refusals began.
 */
export function isDead(
  watch: DeathWatch | undefined,
  { deadProbes, deadWindowMs, dieMs }: Pick<PropagationProfile, "deadProbes" | "deadWindowMs" | "dieMs">,
  { answer, atMs, controls }: CountedProbe,
): boolean {
  if (answer !== "refused") return false;
  const isLong = (row: Row | undefined, windowMs: number) =>
    row !== undefined && row.refusals >= deadProbes && atMs - row.firstRefusedAtMs >= windowMs;
  const compared = controls?.accepted && watch?.compared;
  return isLong(compared, deadWindowMs) || isLong(watch, Math.max(deadWindowMs, dieMs));
}

/** What the same call said, within the same minute, about two other keys. */
export interface DeathControls {
  /** About a key of the issuer's form that was never issued. */
  readonly neverIssued: VerifyResult;
  /** About a key that consumers have now; absent if there is none. */
  readonly accepted?: { readonly keyId: KeyId; readonly answer: VerifyResult };
}

/**
 * A refusal counts only if the call also refuses a key that was never issued, and accepts a key that lives: a wrong
 * path, an outage or a firewall refuses every key, and would prove any of them dead (O9).
 */
export function underControls(answer: VerifyResult, { neverIssued, accepted }: DeathControls): VerifyResult {
  if (answer !== "refused") return answer;
  const isLiveAccepted = accepted === undefined || isAcceptance(accepted.answer);
  return neverIssued === "refused" && isLiveAccepted ? "refused" : "inconclusive";
}

/** `notPermitted` is alive. */
export function isAcceptance(answer: VerifyResult): boolean {
  return answer === "valid" || answer === "notPermitted";
}

/** For people: what the controls of a death said, or why a refusal was not counted. */
export function controlsText({ neverIssued, accepted }: DeathControls): string {
  const live =
    accepted === undefined ? "no live key to compare with" : `${accepted.keyId} ${words[accepted.answer]}`;
  return `${live}, a key that was never issued ${words[neverIssued]}`;
}

const words: Readonly<Record<VerifyResult, string>> = {
  valid: "accepted",
  notPermitted: "accepted without the permission",
  refused: "refused",
  inconclusive: "without a clear answer",
};

/** How often the revoke was asked for again because the key still answered, and when it was asked for last. */
export interface Repeats {
  readonly revokesAgain?: number;
  readonly lastRevokeAtMs?: number;
}

const repeatAfterMs = 30_000;
const repeatMaxMs = 3_600_000;

/**
 * A provider can answer that it took the revoke, or that the key is gone, and go on accepting the key. While the key
 * answers, the revoke is asked for again, each time after twice as long.
 */
export function isRepeatDue({ revokesAgain = 0, lastRevokeAtMs }: Repeats, nowMs: number): boolean {
  if (lastRevokeAtMs === undefined) return false;
  return nowMs >= lastRevokeAtMs + Math.min(repeatMaxMs, repeatAfterMs * 2 ** revokesAgain);
}
