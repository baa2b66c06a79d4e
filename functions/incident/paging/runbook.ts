import { isRekeysOwn, isSettled } from "../../../core/incident/plan.ts";
import type { IncidentRecord, OwnRole, PageReason } from "../../../core/incident/record.ts";
import { type DuePage, isTriage } from "../../../core/incident/turns.ts";

const folder = "docs/runbooks/";

/**
 * The runbook of each reason that needs a person: names of errors that a retry cannot help, reasons of pages,
 * names of alarms.
 */
export const runbooks: Readonly<Record<string, string>> = {
  AddressRefused: "address-refused.md",
  AdminCredentialLeaked: "admin-credential.md",
  AdminCredentialRefused: "admin-credential-refused.md",
  AdoptionOverdue: "adoption-overdue.md",
  CopyRefused: "copy-refused.md",
  CurrentKeyUnknown: "current-key-unknown.md",
  DeploymentCredentialLeaked: "deployment-credential.md",
  IntakeCredentialLeaked: "intake-credential.md",
  InputInvalid: "input-invalid.md",
  KeyIdUnknown: "key-id-unknown.md",
  KeyRejected: "key-rejected.md",
  KeyShared: "key-shared.md",
  NeedsHuman: "provider-needs-a-person.md",
  Aborted: "aborted.md",
  NoProgress: "no-progress.md",
  PendingHeld: "pending-held.md",
  PolicyInvalid: "policy-invalid.md",
  QuotaReached: "quota-reached.md",
  SecretUnusable: "secret-unusable.md",
  secondPerson: "second-person.md",
  campaign: "campaign.md",
  SpentKeyIsCurrent: "spent-key-is-current.md",
  StillAlive: "still-alive.md",
  Stopped: "stopped.md",
  Superseded: "superseded.md",
  SupplyOverdue: "supply-overdue.md",
  PromotionOverdue: "promotion-overdue.md",
  PromotionRefused: "promotion-refused.md",
  SyntheticLeakAbsent: "synthetic-leak-absent.md",
  UnexpectedRead: "unexpected-read.md",
  UnknownKey: "unknown-key.md",
  VersionMoved: "version-moved.md",
  WrongProject: "wrong-project.md",
  ProviderWithoutRevoke: "provider-without-revoke.md",
};

const pageRunbooks: Readonly<Record<PageReason, string>> = {
  opened: "incident-opened.md",
  notAccepted: "revoke-not-accepted.md",
  notYetDead: "still-alive.md",
  replacementFailed: "replacement-failed.md",
  needsPerson: "provider-needs-a-person.md",
  held: "incident-held.md",
  deadlinePassed: "deadline-passed.md",
  settled: "unsettled.md",
  breakerOpen: "breaker-open.md",
  testOfRealKey: "test-of-real-key.md",
  liveKeyFound: "live-key-found.md",
  asked: "incident-opened.md",
  alone: "ordered-alone.md",
  limited: "sender-limited.md",
  cutOff: "consumers-cut-off.md",
};

/** The runbook of a reason, as a path in this repository. */
export function runbookFor(reason: string): string {
  const pages: Readonly<Record<string, string>> = pageRunbooks;
  const file = Object.hasOwn(pages, reason) ? pages[reason] : undefined;
  const known = file ?? (Object.hasOwn(runbooks, reason) ? runbooks[reason] : undefined);
  return `${folder}${known ?? "incident-opened.md"}`;
}

/** The reasons that a page can have. Each leads to a runbook about it. */
export const pageReasons = Object.keys(pageRunbooks) as readonly PageReason[];

/** Reasons whose runbook depends on the key and not on the machine's state. */
const keyReasons: ReadonlySet<PageReason> = new Set([
  "needsPerson",
  "notAccepted",
  "deadlinePassed",
  "settled",
  "asked",
]);

const ownTopics: Readonly<Record<OwnRole, string>> = {
  admin: "AdminCredentialLeaked",
  intake: "IntakeCredentialLeaked",
  githubToken: "DeploymentCredentialLeaked",
  pagerdutyKey: "DeploymentCredentialLeaked",
  slackWebhook: "DeploymentCredentialLeaked",
  auditCollector: "DeploymentCredentialLeaked",
};

/** The topic of a page. If its reason only says that a person is needed, this says for what. */
export function topicOf(
  record: IncidentRecord,
  { reason, error }: Pick<DuePage, "reason" | "error">,
): string {
  if (!keyReasons.has(reason) || isTriage(record)) return reason;
  const open = record.keys.filter((key) => !isSettled(key));
  const own = open.find(isRekeysOwn);
  if (own) return ownTopics[own.role];
  if (open.some(({ currentAgain }) => currentAgain !== undefined)) return "SpentKeyIsCurrent";
  if (open.some(({ byHand }) => byHand === true)) return "ProviderWithoutRevoke";
  if (record.match.by === "none") return "UnknownKey";
  const isNamed = reason === "needsPerson" && error !== undefined && Object.hasOwn(runbooks, error);
  return isNamed ? error : reason;
}
