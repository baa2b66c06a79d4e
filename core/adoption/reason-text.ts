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
      return reason.source === "provider"
        ? "the provider saw the retiring key used"
        : "still used the retiring key";
    case "QuietWindowOpen":
      return "the quiet window is still open";
    case "HoldsRetiringKey":
      return "still holds the retiring key";
    case "NoLiveInstance":
    case "NotProven":
    case "TwoUnderOneName":
    case "ForgottenReturned":
    case "TooManyInstances":
    case "HoldsUnknownKey":
    case "IncomingKeyUnused":
    case "IncomingKeyRefused":
    case "NotRestarted":
    case "RestartFailed":
    case "WiredToOldVersion":
    case "NotRead":
    case "MayHoldRetiringVersion":
    case "NotAttested":
    case "ProviderSilent":
    case "UndeclaredConsumer":
    case "ConsumersUnknown":
    case "CopyNotWritten":
    case "CopyChanged":
    case "CopyElsewhere":
    case "CopyNotActive":
    case "CopyFailed":
    case "ReplicaBehind":
      return reason.detail;
  }
}

function whenOf({ reason, agoMs, remainingMs }: AdoptionReason): string {
  if (agoMs === undefined) return remainingMs === undefined ? "" : ` for ${sayDuration(remainingMs)}`;
  return reason === "RetiringKeyStillUsed"
    ? ` ${sayDuration(agoMs)} ago`
    : `, seen ${sayDuration(agoMs)} ago`;
}

/** What would end this reason: a step that a person can take, or what to wait for. */
export function sayWanted({
  reason,
  consumer = "the consumer",
  remainingMs,
  source,
}: AdoptionReason): string {
  if (remainingMs !== undefined && reason !== "RestartFailed" && reason !== "TooManyInstances")
    return `wait ${sayDuration(remainingMs)}: it ends by itself`;
  switch (reason) {
    case "NoLiveInstance":
      return `start ${consumer}, give it a cadence, or take it out of the policy`;
    case "NotProven":
      return `update the client of ${consumer}, or see docs/consumers.md`;
    case "TwoUnderOneName":
      return "find who else reports under this name; it ends when that reports no more";
    case "HoldsRetiringKey":
    case "HoldsUnknownKey":
      return "refresh or restart the instance, or let it end; if it crashed: rekey forget <secret> <instance>";
    case "TooManyInstances":
      return "it ends by itself once they report no more; if they are made up, take the permission to report from who sends them";
    case "ForgottenReturned":
      return "it is not gone: refresh or restart the instance, or let it end";
    case "RetiringKeyStillUsed":
      return "find who still uses the retiring key: `rekey doctor` names who reads it";
    case "IncomingKeyUnused":
      return source === "ecs" || source === "lambda" || source === "kubernetes"
        ? `name the secret in the definition of ${consumer}, or let it make one call with the incoming key under the provider signal`
        : `let ${consumer} make one call with the incoming key`;
    case "IncomingKeyRefused":
      return "find out why the provider refuses the incoming key there: its scopes, or an allow-list of addresses";
    case "NotRestarted":
      return `restart what runs ${consumer}, or wait for the restart to finish`;
    case "WiredToOldVersion":
      return `have the definition of ${consumer} name the secret without a version, and deploy it`;
    case "RestartFailed":
      return `fix ${consumer} and restart it`;
    case "NotRead":
      return `let ${consumer} read the secret, with a role that its policy names`;
    case "NotAttested":
      return `rekey attest <secret> ${consumer}`;
    case "ProviderSilent":
      return "check that the provider answers and that the admin credential may read usage";
    case "UndeclaredConsumer":
      return source === "kms"
        ? "declare a consumer with this role, or remove its access"
        : "declare it, or stop it";
    case "ConsumersUnknown":
      return "name the consumers in the policy, or say `consumers: none` if nothing uses the key";
    case "CopyNotWritten":
      return "clear what the destination refuses; Rekey writes it again by itself";
    case "CopyChanged":
      return "put back what Rekey wrote, or `rekey overwrite <secret> <destination> --reason why`";
    case "CopyElsewhere":
      return "correct the destination in the deployment, or the token: it leads to another place";
    case "CopyFailed":
      return `find out why it was not activated, and activate it again for ${consumer}`;
    case "ReplicaBehind":
      return "let the store replicate the secret, or remove the replica there if nobody reads it";
    case "CopyNotActive":
      return `let the activation of ${consumer} end`;
    case "MayHoldRetiringVersion":
    case "QuietWindowOpen":
      return "it ends by itself";
  }
}

/** In the unit that fits best: "1.2 s", "4 min", "3 h", "12 d". */
export function sayDuration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
