import type { KeyStanding } from "../keys.ts";
import type { Fingerprint, KeyId, RotationId, SecretArn, VersionId } from "../ports.ts";

/**
 * Everything about one incident, in one item: what was reported, the plan, the clock, every key in scope and
 * what was done to it. Ids, times and words, never key material. The transitions are in `incident.ts`.
 */
export interface IncidentRecord {
  readonly incidentId: string;
  /** What it is about: one key, or the fingerprint, id, hint or place that nobody could match. */
  readonly subject: string;
  readonly status: IncidentStatus;
  /** Rises with everything that may change what Rekey does next. */
  readonly seq: number;
  readonly executionArn?: string;
  /** A machine that worked on a key nobody knew: to be stopped, now that another one works on a known key. */
  readonly staleExecutionArn?: string;
  /** When a later alert said which key it is. */
  readonly identifiedAtMs?: number;
  /** The execution whose first step took the secrets. */
  readonly openedBy?: string;
  /** How often the machine was started for it. */
  readonly starts: number;
  /** A synthetic leak: it runs the whole way, and pages in test mode. */
  readonly test: boolean;
  /** The incident of a repository, consumer or account that this one is a part of. */
  readonly parentId?: string;
  /** A parent's list of every key that has to be dealt with, each by an incident of its own. */
  readonly checklist: readonly ChecklistEntry[];

  readonly plan: IncidentPlan;
  /** Why this plan and no other, in words for the page, the screen and the report. */
  readonly planWhy: string;
  readonly match: KeyMatch;

  /** The earliest time that a sender claimed or we received; a claim can only make the clock stricter. */
  readonly detectedAtMs: number;
  readonly receivedAtMs: number;
  readonly exposedAtMs?: number;
  readonly openedAtMs?: number;
  /** When the machine that works on it now took it up. */
  readonly takenUpAtMs?: number;
  readonly deadlineAtMs: number;
  readonly escalateAtMs: number;
  /** Under switch-first, when containment stops waiting for consumers; set when the incident opens. */
  readonly containByMs?: number;
  /** A person's word that containment waits for nothing any more, however the key was identified. */
  readonly containNow?: PersonsOrder;
  /** A person asked for this plan; nothing but another word of a person changes it. */
  readonly planAsked?: PersonsOrder & { readonly plan: "contain-first" | "switch-first" };
  readonly closedAtMs?: number;
  /** A person called it a false alarm. */
  readonly calledOffAtMs?: number;
  /** Why the incident ended as it did, or why it waits for a person. */
  readonly reason?: string;

  /** The checklist of this incident: it cannot close while one of them is neither dead nor waived. */
  readonly keys: readonly KeyInScope[];
  readonly secrets: readonly SecretInScope[];
  readonly alerts: readonly AlertSeen[];
  /** How many alerts came; absent in records of before it was counted. */
  readonly alertsSeen?: number;
  /** Names of alerts that are kept no more: a repeat of one is still known. */
  readonly alertsDropped?: readonly string[];
  readonly timeline: readonly TimelineEntry[];
  readonly notes: readonly Note[];
  readonly pages: readonly PageSent[];
  readonly waits: readonly IncidentWait[];
  readonly scope?: ScopeFindings;
  readonly reports: readonly ReportFiled[];
}

/**
 * `reported` → `open` (the machine has it) → `contained` (every key dead or waived) → `closed`.
 * `needsPerson`: the machine ended and a key is still neither dead nor waived. `falseAlarm`: a person said so.
 */
export type IncidentStatus = "reported" | "open" | "contained" | "closed" | "needsPerson" | "falseAlarm";

export type IncidentPlan = "contain-first" | "switch-first" | "replace-and-page" | "person";

/** How surely the key is known. Only the first two are exact. */
export interface KeyMatch {
  readonly by: "fingerprint" | "keyId" | "hint" | "location" | "none";
  /** What matched, to show: a shortened fingerprint, a key id, a redacted hint. */
  readonly text: string;
}

/** How far one key's containment is. `accepted`: the provider took the revoke; dead is yet to be seen. */
export type ContainmentState =
  | "waiting"
  | "quarantining"
  | "quarantined"
  | "revoking"
  | "accepted"
  | "dead"
  | "needsPerson";

/**
 * A credential with which Rekey itself works. `admin`: at a provider; `intake`: an alert source signs with it;
 * `githubToken`: reads the alerts that GitHub points to; the other two reach people.
 */
export type OwnRole = "admin" | "intake" | "githubToken" | "pagerdutyKey" | "slackWebhook";

/** What a key is for: `rotated`; `index`: only watched; or Rekey's own. */
export type KeyRole = "rotated" | "index" | OwnRole;

export interface KeyInScope {
  /** Absent for a key that is in no secret that Rekey knows. */
  readonly role?: KeyRole;
  /** What a credential of Rekey's own is, in words: "the openai admin credential of billing-key". */
  readonly what?: string;
  /** Absent when only a fingerprint is known and nobody could say which key it is. */
  readonly keyId?: KeyId;
  readonly fingerprint?: Fingerprint;
  /** The operator's name of the provider account; absent for a key that is not ours. */
  readonly account?: string;
  readonly provider?: string;
  readonly standing: KeyStanding;
  /** The secret whose policy says how to reach the provider, and whose version may hold the plaintext. */
  readonly secretArn?: SecretArn;
  readonly versionId?: VersionId;
  readonly state: ContainmentState;
  readonly quarantinedAtMs?: number;
  /** A person had the quarantine undone. */
  readonly undoneAtMs?: number;
  readonly revokeIntendedAtMs?: number;
  /** The provider took the revoke (the first of the two clocks). */
  readonly acceptedAtMs?: number;
  /** The key was seen dead (the second one). */
  readonly deadAtMs?: number;
  readonly how?: "refused" | "listing" | "alreadyDead";
  /** The provider did not know the key any more when it was first asked to revoke it. */
  readonly goneBefore?: boolean;
  /** Calls made with the key to see whether it is dead, and how many in a row were refused at last. */
  readonly probes: number;
  readonly refusals: number;
  readonly firstRefusedAtMs?: number;
  /** How long this provider may honour a revoked key; set with the revoke. */
  readonly dieMs?: number;
  readonly waiver?: PersonsOrder;
  /** A quarantined key is revoked then, or as soon as everybody has moved. */
  readonly revokeAtMs?: number;
  /** Why Rekey cannot go on alone with this key, or could not when it last tried. */
  readonly blocked?: string;
  /** Under switch-first somebody put it back into AWSCURRENT, so it is left to its consumers until containBy. */
  readonly handedOutAgain?: CurrentAgain;
  /** The provider has no call that revokes: a person does it, and Rekey watches the key die. */
  readonly byHand?: boolean;
  /** What the provider said of its use while it was there to be asked. */
  readonly useBefore?: UseBefore;
}

export interface CurrentAgain {
  /** The secrets that hand it out, and the version that each does it with. */
  readonly places: readonly { readonly secretArn: SecretArn; readonly versionId: VersionId }[];
  readonly lookAgainAtMs: number;
}

/** A provider forgets what a key did when the key is deleted, so it is asked shortly before. */
export interface UseBefore {
  readonly atMs: number;
  readonly sinceMs: number;
  readonly requests?: number;
  readonly lastUsedAtMs?: number;
  /** Why nothing was learned. */
  readonly unknown?: string;
}

export interface SecretInScope {
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly environment: string;
  readonly standing: KeyStanding;
  /** `notNeeded`: the secret does not hand this key out any more. */
  readonly replacement: "notNeeded" | "pending" | "promoted" | "adopted" | "recovering" | "failed";
  readonly failure?: string;
  /** How often the provider's limit on keys refused a new one; set while the replacement waits for the slot. */
  readonly slotTries?: number;
  /** A person or a pool has to supply the replacement: this provider lets nobody make one. */
  readonly supplyWanted?: boolean;
  /** A hold is on the secret: it does not stop containment, and a person is told. */
  readonly held?: string;
  /** The fence this incident holds the secret with; absent where it changes nothing there. */
  readonly fence?: number;
  /** The run that replaces the key here: the incident's id, the secret and the fence. */
  readonly rotationId?: RotationId;
  readonly keyId?: KeyId;
  readonly versionId?: VersionId;
  readonly incomingKeyId?: KeyId;
  readonly incomingVersionId?: VersionId;
  /** The incoming key was made by the rotation that this incident fenced off. */
  readonly reused?: boolean;
  readonly promotedAtMs?: number;
  readonly adoptedAtMs?: number;
  /** Consumers that did not hold the incoming key when it was last asked, and when each was first seen to. */
  readonly behind: readonly string[];
  readonly moved: readonly { readonly consumer: string; readonly atMs: number }[];
}

export interface AlertSeen {
  readonly source: string;
  readonly sourceId: string;
  /** Who vouched for it: the signature's owner, or the AWS principal of a person. */
  readonly principal: string;
  readonly receivedAtMs: number;
  readonly detectedAtMs?: number;
  readonly exposedAtMs?: number;
  readonly exposure: "public" | "private" | "unknown";
  readonly verified: "live" | "dead" | "unknown";
  readonly match: KeyMatch;
  readonly where: readonly string[];
  /** Why a person reported it, in their words. */
  readonly reason?: string;
}

export type TimelineWhat =
  | "reported"
  | "alertAppended"
  | "identified"
  | "opened"
  | "planChosen"
  | "planChanged"
  | "rotationFenced"
  | "replacementPromoted"
  | "replacementAdopted"
  | "replacementFailed"
  | "quarantineIntended"
  | "quarantined"
  | "quarantineUndone"
  | "revokeIntended"
  | "revokeAccepted"
  | "dead"
  | "waived"
  | "personNeeded"
  | "escalated"
  | "escalationFailed"
  | "held"
  | "note"
  | "recovered"
  | "scoped"
  | "reportFiled"
  | "falseAlarm"
  | "closed"
  | "settled";

export interface TimelineEntry {
  readonly atMs: number;
  readonly what: TimelineWhat;
  readonly detail: string;
  readonly keyId?: KeyId;
  readonly secretArn?: SecretArn;
  /** The person, where one did it. */
  readonly by?: string;
}

export interface ChecklistEntry {
  readonly title: string;
  readonly secretArn?: SecretArn;
  readonly keyId?: KeyId;
  /** Absent until the key is reported, which comes after the checklist is written. */
  readonly incidentId?: string;
}

/** An authenticated person takes the responsibility. */
export interface PersonsOrder {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
}

export interface Note {
  readonly by: string;
  readonly text: string;
  readonly atMs: number;
}

export type PageReason =
  | "opened"
  | "notAccepted"
  | "notYetDead"
  | "replacementFailed"
  | "needsPerson"
  | "held"
  | "deadlinePassed"
  | "settled"
  | "breakerOpen"
  | "asked";

export interface PageSent {
  readonly atMs: number;
  readonly reason: PageReason;
  readonly severity: "page" | "notify";
  readonly why: string;
  readonly delivered: readonly string[];
  readonly failed: readonly string[];
}

/** A branch of the machine that waits until something about the incident changes, or its time-out. */
export interface IncidentWait {
  readonly waiter: string;
  readonly token: string;
  /** What the branch had seen when it decided to wait. */
  readonly seenSeq: number;
}

export interface ReportFiled {
  readonly atMs: number;
  readonly path: string;
  readonly when: "containment" | "scoped" | "final";
}

// ---- what scoping finds ----------------------------------------------------------------------------------

export interface ScopeFindings {
  readonly readers: readonly SecretReader[];
  readonly keyUse: readonly KeyActivity[];
  /** Keys made at the provider since the exposure that the ledger does not know: possible persistence. */
  readonly newKeys: readonly NewKey[];
  readonly siblings: readonly SiblingSecret[];
  /** How far back the reads of the secret were looked up. */
  readonly reachedBackToMs?: number;
  readonly ended: "complete" | "timeBoxed";
  /** What nobody looked at, and why: one sentence each. */
  readonly notChecked: readonly string[];
}

export interface SecretReader {
  readonly principal: string;
  readonly secretArn: SecretArn;
  readonly versionId?: VersionId;
  readonly firstAtMs: number;
  readonly lastAtMs: number;
  readonly reads: number;
  /** A declared consumer's role, or Rekey itself. */
  readonly known: boolean;
}

export interface KeyActivity {
  readonly keyId: KeyId;
  readonly fromMs: number;
  readonly toMs: number;
  readonly requests?: number;
  readonly costUsd?: number;
  readonly lastUsedAtMs?: number;
  /** Consumers that still used it after the replacement was promoted. */
  readonly stillUsedBy: readonly string[];
}

export interface NewKey {
  readonly keyId: KeyId;
  readonly name: string;
  readonly createdAtMs?: number;
}

export interface SiblingSecret {
  readonly secretArn: SecretArn;
  readonly why: string;
}
