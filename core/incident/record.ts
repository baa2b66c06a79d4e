import type { ConsumerStanding } from "../adoption/standing.ts";
import type { KeyStanding } from "../keys.ts";
import type { Fingerprint, KeyId, RotationId, SecretArn, VersionId } from "../ports.ts";
import type { DeathControls, DeathWatch, Repeats } from "../rotation/death.ts";
import type { ScopeFindings } from "./scope-findings.ts";

/**
 * Everything about one incident, in one item: what was reported, the plan, the clock, every key in scope and
 * what was done to it. Ids, times and texts, never key material. The transitions are in `transitions.ts`.
 */
export interface IncidentRecord {
  readonly incidentId: string;
  /** What it is about: one key, or the fingerprint, id, hint or place for which no key was found. */
  readonly subject: string;
  readonly status: IncidentStatus;
  /** Counts every change that may alter what Rekey does next. */
  readonly seq: number;
  readonly executionArn?: string;
  /**
   * The execution that worked while the key was unknown. It is stopped, because another one now works on the
   * known key.
   */
  readonly staleExecutionArn?: string;
  /** When a later alert said which key it is. */
  readonly identifiedAtMs?: number;
  /** The execution whose first step took the secrets over. */
  readonly openedBy?: string;
  /** How often the machine was started for this incident. */
  readonly starts: number;
  /** A synthetic leak: it takes the whole path, and pages in test mode. */
  readonly test: boolean;
  /** What a person decided about this key before it was reported again. */
  readonly decidedBefore?: DecidedBefore;
  /** The incident of a repository, consumer or account that this one is a part of. */
  readonly parentId?: string;
  /** The campaign that opened it: its clock is the campaign's, and the campaign tells people of it. */
  readonly campaignId?: string;
  /** For a parent: every key that leaked, each with an incident of its own. */
  readonly checklist: readonly ChecklistEntry[];

  readonly plan: IncidentPlan;
  /** Why this plan was chosen, as shown on the page, the screen and the report. */
  readonly planWhy: string;
  readonly match: KeyMatch;

  /**
   * When a sender says it noticed, or when we received it: the earliest of all. A claim can only make the
   * clock stricter.
   */
  readonly detectedAtMs: number;
  readonly receivedAtMs: number;
  readonly exposedAtMs?: number;
  readonly openedAtMs?: number;
  /** When the present execution began to work on it. */
  readonly takenUpAtMs?: number;
  readonly deadlineAtMs: number;
  readonly escalateAtMs: number;
  /** Under switch-first, when containment stops waiting for consumers; set when the incident opens. */
  readonly containByMs?: number;
  /** A person ordered that containment waits for nothing any more, however the key was identified. */
  readonly containNow?: PersonsOrder;
  /** A person ordered this plan. Only another order of a person changes it. */
  readonly planAsked?: PersonsOrder & { readonly plan: "contain-first" | "switch-first" };
  readonly closedAtMs?: number;
  /** A person called it a false alarm. */
  readonly calledOffAtMs?: number;
  /** Why the incident ended as it did, or why it waits for a person. */
  readonly reason?: string;

  /** The keys in scope: the incident cannot close while one of them is neither dead nor waived. */
  readonly keys: readonly KeyInScope[];
  readonly secrets: readonly SecretInScope[];
  readonly alerts: readonly AlertSeen[];
  /** How many alerts came; absent in records written before this was counted. */
  readonly alertsSeen?: number;
  /** Names of alerts that are no longer kept, so that a repeat is still recognised. */
  readonly alertsDropped?: readonly string[];
  readonly timeline: readonly TimelineEntry[];
  readonly notes: readonly Note[];
  readonly pages: readonly PageSent[];
  /** Who said that they heard the pages, the newest last. */
  readonly acknowledged?: readonly PersonsOrder[];
  readonly waits: readonly IncidentWait[];
  readonly scope?: ScopeFindings;
  readonly reports: readonly ReportFiled[];
  /** The signed certificate: its place, and the SHA-256 of what is signed. */
  readonly certificate?: { readonly path: string; readonly sha256: string; readonly keyid: string };
}

/**
 * `reported` → `open` (an execution works on it) → `contained` (every key dead or waived) → `closed`.
 * `needsPerson`: the execution ended and a key is still neither dead nor waived. `falseAlarm`: a person
 * called it one.
 */
export type IncidentStatus = "reported" | "open" | "contained" | "closed" | "needsPerson" | "falseAlarm";

export type IncidentPlan = "contain-first" | "switch-first" | "replace-and-page" | "person";

/** How surely the key is known. Only the first two are exact. */
export interface KeyMatch {
  readonly by: "fingerprint" | "keyId" | "hint" | "location" | "none";
  /** What matched, shown to people: a shortened fingerprint, a key id, a redacted hint. */
  readonly text: string;
}

/**
 * How far the containment of one key is. `accepted`: the provider accepted the revoke, but the key was not
 * yet seen dead.
 */
export type ContainmentState =
  | "waiting"
  | "quarantining"
  | "quarantined"
  | "revoking"
  | "accepted"
  | "dead"
  | "needsPerson";

/**
 * A credential that Rekey itself works with. `admin`: at a provider; `intake`: an alert source signs with it;
 * `githubToken`: reads the alerts that GitHub points to; the other two page people.
 */
export type OwnRole = "admin" | "intake" | "githubToken" | "pagerdutyKey" | "slackWebhook" | "auditCollector";

/** What a key is for. `rotated`: Rekey rotates it; `index`: only watched; or one of Rekey's own. */
export type KeyRole = "rotated" | "index" | OwnRole;

export interface KeyInScope extends Repeats {
  /** Absent for a key that is in no secret that Rekey knows. */
  readonly role?: KeyRole;
  /** What a credential of Rekey's own is, for people: "the openai admin credential of billing-key". */
  readonly what?: string;
  /** Absent if only a fingerprint is known and no listing shows which key it is. */
  readonly keyId?: KeyId;
  readonly fingerprint?: Fingerprint;
  /** The provider account's name in `rekey.yml`; absent for a key that is not ours. */
  readonly account?: string;
  readonly provider?: string;
  readonly standing: KeyStanding;
  /** The secret whose policy says how to call the provider, and whose version may hold the plaintext. */
  readonly secretArn?: SecretArn;
  readonly versionId?: VersionId;
  readonly state: ContainmentState;
  readonly quarantinedAtMs?: number;
  /** When a person ordered the quarantine undone. */
  readonly undoneAtMs?: number;
  readonly revokeIntendedAtMs?: number;
  /** When the provider accepted the revoke (the first of the two clocks). */
  readonly acceptedAtMs?: number;
  /** When the key was seen dead (the second clock). */
  readonly deadAtMs?: number;
  readonly how?: "refused" | "listing" | "alreadyDead";
  /** What the same call said of two other keys at the last refusal. */
  readonly controls?: DeathControls;
  /** When Rekey first tried to revoke the key, the provider no longer knew it. */
  readonly goneBefore?: boolean;
  /** How many calls tested whether the key is dead, and how many of the last ones in a row were refused. */
  readonly probes: number;
  readonly refusals: number;
  readonly firstRefusedAtMs?: number;
  readonly compared?: DeathWatch["compared"];
  /** How long this provider may still accept a revoked key; set with the revoke. */
  readonly dieMs?: number;
  readonly waiver?: PersonsOrder;
  /** A quarantined key is revoked at this time, or earlier if every consumer has moved. */
  readonly revokeAtMs?: number;
  /** Why Rekey cannot go on with this key without a person, or could not at its last try. */
  readonly blocked?: Blocked;
  /**
   * Set under switch-first if somebody made the key current again: its consumers keep it until `containBy`.
   */
  readonly currentAgain?: CurrentAgain;
  /** The provider has no revoke call: a person revokes it, and Rekey probes until it is dead. */
  readonly byHand?: boolean;
  /** What the provider said about the key's use before it was deleted. */
  readonly lastUse?: LastUse;
}

export interface Blocked {
  readonly why: string;
  /** The name of the error with which the last try failed. Its message may hold other figures at each try. */
  readonly error?: string;
}

export interface CurrentAgain {
  /** The secrets whose current version holds the key, and which version that is. */
  readonly places: readonly { readonly secretArn: SecretArn; readonly versionId: VersionId }[];
  readonly lookAgainAtMs: number;
}

/** A provider forgets what a key did when the key is deleted, so it is asked shortly before. */
export interface LastUse {
  readonly atMs: number;
  readonly sinceMs: number;
  readonly requests?: number;
  readonly lastUsedAtMs?: number;
  /** Why the provider could not say. */
  readonly unknown?: string;
}

export interface SecretInScope {
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly environment: string;
  readonly standing: KeyStanding;
  /** `notNeeded`: the secret does not hold this key any more. */
  readonly replacement: "notNeeded" | "pending" | "promoted" | "adopted" | "recovering" | "failed";
  readonly failure?: string;
  /** How often the provider's limit on keys refused the replacement; set while it waits for a free slot. */
  readonly slotTries?: number;
  /** A person or a pool has to supply the replacement, because this provider cannot mint. */
  readonly supplyWanted?: boolean;
  /** The secret is on hold. That does not stop containment; people are paged about it. */
  readonly held?: string;
  /** The fence with which this incident holds the secret; absent if it changes nothing there. */
  readonly fence?: number;
  /**
   * The run that replaces the key in this secret. Its id is made of the incident's id, the secret and the
   * fence.
   */
  readonly rotationId?: RotationId;
  readonly keyId?: KeyId;
  readonly versionId?: VersionId;
  readonly incomingKeyId?: KeyId;
  readonly incomingVersionId?: VersionId;
  /** True if the incoming key was made by the rotation that this incident took the secret from. */
  readonly reused?: boolean;
  readonly promotedAtMs?: number;
  readonly adoptedAtMs?: number;
  /**
   * Consumers that did not hold the incoming key at the last check, and when each was first seen to hold it.
   */
  readonly behind: readonly string[];
  /** How each of them stood then, and who owns it as the policy says. */
  readonly standings?: readonly (ConsumerStanding & { readonly owner?: string })[];
  /** Why a place with a copy does not use the replacement yet, as the gate says it: `copiesBehindMax` at most. */
  readonly copiesBehind?: readonly { readonly consumer: string; readonly why: string }[];
  readonly moved: readonly { readonly consumer: string; readonly atMs: number }[];
}

export interface AlertSeen {
  readonly source: string;
  readonly sourceId: string;
  /** Who reported it: the owner of the signature, or a person's AWS principal. */
  readonly principal: string;
  readonly receivedAtMs: number;
  readonly detectedAtMs?: number;
  readonly exposedAtMs?: number;
  readonly exposure: "public" | "private" | "unknown";
  readonly verified: "live" | "dead" | "unknown";
  readonly match: KeyMatch;
  readonly where: readonly string[];
  /** How many places it named, where not all of them are kept. */
  readonly whereSeen?: number;
  /** Its sender has had as many keys contained as it may unseen: this alert alone cuts nobody off. */
  readonly overLimit?: true;
  /** Why a person reported it, as they wrote it. */
  readonly reason?: string;
}

export type TimelineWhat =
  | "reported"
  | "alertAppended"
  | "identified"
  | "decidedBefore"
  | "opened"
  | "planChosen"
  | "planChanged"
  | "rotationFenced"
  | "termsIgnored"
  | "replacementPromoted"
  | "replacementAdopted"
  | "replacementFailed"
  | "quarantineIntended"
  | "quarantined"
  | "quarantineUndone"
  | "revokeIntended"
  | "revokeAccepted"
  | "revokeRepeated"
  | "dead"
  | "waived"
  | "personNeeded"
  | "escalated"
  | "acknowledged"
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
  /** Who did it, if it was a person. */
  readonly by?: string;
}

export interface ChecklistEntry {
  readonly title: string;
  readonly secretArn?: SecretArn;
  readonly keyId?: KeyId;
  /** Absent until the key is reported: the checklist is written first. */
  readonly incidentId?: string;
}

/** An order that an authenticated person gave, with its reason. */
export interface PersonsOrder {
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  /** Who confirmed it, where it needs a second person. */
  readonly approvedBy?: string;
  /** An acknowledgement that came through a channel of pages, by a user of that channel and no AWS principal. */
  readonly channel?: "slack" | "pagerduty";
  /** Given without a second person, in a deployment that asks for one. */
  readonly alone?: true;
}

/** A decision covers what had been reported until then: a later report opens an incident of its own, which shows it. */
export interface DecidedBefore extends PersonsOrder {
  readonly incidentId: string;
  readonly what: "waived" | "falseAlarm";
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
  | "testOfRealKey"
  | "liveKeyFound"
  | "asked"
  | "alone"
  | "limited"
  | "cutOff";

export interface PageSent {
  readonly atMs: number;
  readonly reason: PageReason;
  readonly severity: "page" | "notify";
  readonly why: string;
  /** What `why` is about, if an error led to the page. */
  readonly error?: string;
  readonly delivered: readonly string[];
  readonly failed: readonly string[];
}

/** A branch of the machine that waits for a change of the incident, or for its time-out. */
export interface IncidentWait {
  readonly waiter: string;
  readonly token: string;
  /** The incident's `seq` when the branch decided to wait. */
  readonly seenSeq: number;
}

export interface ReportFiled {
  readonly atMs: number;
  readonly path: string;
  readonly when: "containment" | "scoped" | "final";
}
