import type { LogLine } from "../functions/deps.ts";
import type { Tone } from "./screen.ts";

interface Told {
  readonly name: string;
  readonly text: string;
  readonly tone?: Tone;
}

/** Each step's outcome in words, for a person who watches. Steps that nobody waits for are left out. */
const outcomes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "open-rotation": { opened: "took the secret's lease and found the retiring key", skipped: "skipped" },
  "mint-key": {
    staged: "made the incoming key and staged it as a pending version",
    needsSupply: "a person supplies the key",
  },
  "prove-incoming": { proven: "the provider accepts the incoming key" },
  "promote-version": { promoted: "AWSCURRENT moved to the incoming key; the retiring version is pinned" },
  "nudge-consumers": { nudged: "started each consumer's refresh" },
  "check-adoption": { adopted: "every consumer has moved, and the retiring key is quiet" },
  "quarantine-key": { quarantined: "the retiring key is disabled, and can be restored" },
  "revoke-key": {
    revoked: "checked every reason to wait once more, and revoked the retiring key",
    refused: "not yet: a reason to wait has come up, and the gate is asked again",
  },
  "prove-dead": {
    dead: "the retiring key is refused again and again: dead",
    alive: "the retiring key still answers",
  },
  "close-rotation": { rotated: "lease freed, death recorded" },
  "settle-rotation": { rolledBack: "rolled back", owed: "both keys stay alive; people are notified" },
};

/** Errors that the machine retries by itself: shown, but not as a failure. */
const retriedErrors: ReadonlySet<string> = new Set([
  ...["KeyNotYetActive", "ProviderThrottled", "ProviderUnavailable", "ProviderGarbled"],
  ...["StoreUnavailable", "LedgerContended", "MintOutcomeUnknown"],
]);

const waiting: ReadonlySet<string> = new Set(["waiting", "alive", "refused", "overdue"]);

/** A function's log line as a line on the screen; undefined if it is not worth showing. */
export function rotationLine(line: LogLine): Told | undefined {
  const step = String(line["step"] ?? "");
  const known = outcomes[step];
  const outcome = line["outcome"];
  // A step's metrics are a line of its log without an outcome.
  if (known === undefined || typeof outcome !== "string") return undefined;
  const reason = typeof line["reason"] === "string" ? line["reason"] : undefined;
  if (outcome === "failed") {
    const isRetried = retriedErrors.has(String(line["error"]));
    const text = isRetried ? `${reason ?? line["error"]}; tried again` : `${line["error"]}: ${reason ?? ""}`;
    return { name: step, text, tone: isRetried ? "wait" : "bad" };
  }
  const said = known[outcome];
  const text = outcome === "waiting" || said === undefined ? (reason ?? outcome) : said;
  return { name: step, text, tone: waiting.has(outcome) ? "wait" : "plain" };
}
