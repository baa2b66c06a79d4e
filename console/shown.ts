/** What the server tells the page: texts and times, ready to be shown. */

import type { Tone } from "../core/tone.ts";

export type { Tone };

/** A command that a person may run, quoted for a POSIX shell; the page itself changes nothing. */
export interface Advice {
  readonly what: string;
  readonly command?: string;
}

export interface FleetRow {
  readonly secretArn: string;
  readonly name: string;
  readonly environment: string;
  readonly owner?: string;
  readonly provider: string;
  readonly mode: "rotate" | "observe" | "index";
  readonly keyId?: string;
  /** Since when the current key is current. */
  readonly sinceMs?: number;
  readonly maxAgeMs: number;
  readonly nextAtMs?: number;
  readonly schedule?: string;
  readonly state: { readonly tone: Tone; readonly text: string };
  readonly debts: number;
  readonly consumers: number;
  /** The run that holds the secret, or the last one that ended here. */
  readonly rotationId?: string;
  /** The newest run that ended with a certificate. */
  readonly certified?: { readonly rotationId: string; readonly atMs: number };
  /** Set if a person has to do something about this secret. */
  readonly wants?: Advice & { readonly tone: "warn" | "bad" };
}

export interface IncidentRow {
  readonly incidentId: string;
  readonly status: string;
  readonly about: string;
  readonly plan: string;
  readonly test: boolean;
  readonly isOver: boolean;
  readonly detectedAtMs: number;
  readonly deadlineAtMs: number;
  readonly deadAtMs?: number;
  /** The campaign that opened it. */
  readonly campaignId?: string;
}

/** How far the keys of one wave, or of a whole campaign, are. */
export interface WaveRow {
  readonly title: string;
  readonly keys: number;
  readonly started: number;
  readonly contained: number;
  readonly replaced: number;
  readonly needPeople: number;
}

/** Many incidents of one order, as one line. */
export interface CampaignRow extends WaveRow {
  readonly campaignId: string;
  readonly status: "running" | "paused" | "done";
  readonly openedAtMs: number;
  readonly deadlineAtMs: number;
  /** When the last of its keys was contained; undefined while one is not. */
  readonly containedAtMs?: number;
}

export interface StopRow {
  readonly scope: string;
  readonly by: string;
  readonly reason: string;
}

/** The fleet, or what of it changed since the last message. */
export interface FleetChange {
  readonly nowMs: number;
  readonly rows: readonly FleetRow[];
  readonly removed: readonly string[];
  /** How many of the secrets were read so far: a large fleet takes several rounds. */
  readonly read: number;
  readonly total: number;
  readonly incidents: readonly IncidentRow[];
  readonly campaigns: readonly CampaignRow[];
  readonly stops: readonly StopRow[];
}

export type StateMark = "done" | "running" | "failed" | "caught";

export interface InstanceRow {
  readonly instance: string;
  readonly source: string;
  readonly holds: "retiring" | "incoming" | "both" | "current" | "unknown";
  readonly seenAtMs: number;
  readonly retiringUsedAtMs?: number;
  readonly incomingUsedAtMs?: number;
  readonly isSilent: boolean;
  readonly hasEnded: boolean;
  /** A person said that it is gone, and it has not reported since. */
  readonly forgotten?: { readonly by: string; readonly atMs: number; readonly reason: string };
}

export interface ConsumerRow {
  readonly name: string;
  readonly environment: string;
  readonly isDeclared: boolean;
  readonly wanted: readonly string[];
  readonly instances: readonly InstanceRow[];
  /** What sources that know no instances said: a restart, a read, an attestation. */
  readonly said: readonly { readonly text: string; readonly atMs: number }[];
}

export interface EventRow {
  readonly seq: number;
  readonly atMs: number;
  readonly action: string;
  readonly actor: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
}

export interface RotationShown {
  readonly kind: "rotation";
  readonly nowMs: number;
  readonly secretArn: string;
  readonly name: string;
  readonly environment: string;
  readonly provider: string;
  readonly owner?: string;
  readonly state: { readonly tone: Tone; readonly text: string };
  /** The newest run that ended with a certificate, whichever run is shown. */
  readonly certified?: { readonly rotationId: string; readonly atMs: number };
  readonly run?: {
    readonly rotationId: string;
    readonly outcome: string;
    readonly reason?: string;
    readonly trigger: string;
    readonly openedAtMs: number;
    readonly closedAtMs?: number;
    readonly promotedAtMs?: number;
    readonly deadlineAtMs?: number;
    readonly revokedAtMs?: number;
    readonly deadAtMs?: number;
    readonly death?: string;
    readonly certificate: "signed" | "owed" | "none";
    readonly retiringKeyId?: string;
    readonly incomingKeyId?: string;
    readonly executionUrl?: string;
    readonly states: Readonly<Record<string, StateMark>>;
    readonly gate?: {
      readonly verdict: string;
      readonly askedAtMs: number;
      readonly reasons: readonly { readonly text: string; readonly toEnd?: string }[];
    };
  };
  readonly runs: readonly {
    readonly rotationId: string;
    readonly outcome: string;
    readonly openedAtMs: number;
  }[];
  readonly consumers: readonly ConsumerRow[] | "none";
  readonly events: readonly EventRow[];
  readonly advice: readonly Advice[];
}

export interface IncidentShown {
  readonly kind: "incident";
  readonly nowMs: number;
  readonly incidentId: string;
  readonly status: string;
  readonly tone: Tone;
  readonly isOver: boolean;
  readonly test: boolean;
  readonly plan: string;
  readonly planWhy: string;
  readonly match: string;
  readonly detectedAtMs: number;
  readonly deadlineAtMs: number;
  readonly acceptedAtMs?: number;
  readonly deadAtMs?: number;
  readonly answers: readonly { readonly title: string; readonly text: string }[];
  readonly keys: readonly {
    readonly keyId: string;
    readonly provider: string;
    readonly state: string;
    readonly tone: Tone;
    readonly acceptedAtMs?: number;
    readonly deadAtMs?: number;
    readonly blocked?: string;
  }[];
  readonly secrets: readonly {
    readonly secretArn: string;
    readonly name: string;
    readonly environment: string;
    readonly replacement: string;
    readonly tone: Tone;
    readonly failure?: string;
    readonly incomingKeyId?: string;
    readonly promotedAtMs?: number;
    readonly adoptedAtMs?: number;
    readonly behind: readonly string[];
    readonly copiesBehind: readonly string[];
    readonly moved: readonly string[];
  }[];
  readonly checklist: readonly {
    readonly title: string;
    readonly incidentId?: string;
    readonly status: string;
    readonly isDone: boolean;
  }[];
  readonly timeline: readonly {
    readonly atMs: number;
    readonly what: string;
    readonly detail: string;
    readonly by?: string;
  }[];
  readonly notes: readonly { readonly by: string; readonly text: string; readonly atMs: number }[];
  readonly reports: readonly { readonly path: string; readonly when: string; readonly atMs: number }[];
  readonly hasCertificate: boolean;
  readonly campaignId?: string;
  readonly advice: readonly Advice[];
}

export interface ChainShown {
  readonly id: string;
  readonly name: string;
  readonly entries: number;
  readonly verified: boolean;
  readonly why?: string;
  readonly headHash?: string;
  readonly checkpoint?: { readonly seq: number; readonly atMs: number; readonly keyId: string };
}

export interface AuditShown {
  readonly kind: "audit";
  readonly nowMs: number;
  readonly checkpointsRead: boolean;
  readonly total: number;
  readonly chains: readonly ChainShown[];
}

/** Entries as they are stored, so that the page can compute every hash itself. */
export interface ChainEntries {
  readonly kind: "chain";
  readonly id: string;
  readonly entries: readonly Readonly<Record<string, unknown>>[];
  readonly isCut: boolean;
}

/** One board for all keys of a campaign, as `rekey watch` shows it. */
export interface CampaignShown extends CampaignRow {
  readonly kind: "campaign";
  readonly nowMs: number;
  readonly reason: string;
  readonly by: string;
  readonly approvedBy?: string;
  readonly failed: number;
  readonly paused?: { readonly why: string; readonly by: string };
  /** The place that was breached: nothing is written there. */
  readonly destination?: string;
  readonly report?: string;
  readonly waves: readonly WaveRow[];
  readonly people: readonly { readonly name: string; readonly secretArn: string; readonly what: string }[];
  /** Those that are not contained first. */
  readonly list: readonly {
    readonly secretArn: string;
    readonly name: string;
    readonly account: string;
    readonly wave: string;
    readonly tone: Tone;
    readonly stands: string;
    readonly incidentId?: string;
    readonly hasCertificate: boolean;
  }[];
  readonly timeline: readonly {
    readonly atMs: number;
    readonly what: string;
    readonly detail: string;
    readonly by?: string;
  }[];
  readonly advice: readonly Advice[];
}

/** A line as it is, or rows of a table. */
export type CertificateLine =
  | string
  | { readonly rows: readonly (readonly string[])[]; readonly isHeaded: boolean };

export interface CertificateShown {
  readonly kind: "certificate";
  readonly nowMs: number;
  /** The secret of a rotation. */
  readonly secret?: { readonly secretArn: string; readonly name: string };
  /** The rotation or incident that it is about. */
  readonly about: string;
  readonly path?: string;
  readonly state: { readonly tone: Tone; readonly text: string };
  readonly lines: readonly CertificateLine[];
  /** Where the file and the public key can be had from this server; absent where there is no file. */
  readonly file?: { readonly name: string; readonly address: string; readonly keyAddress: string };
  /** In the order in which they are run. */
  readonly advice: readonly Advice[];
}

export type Shown =
  | RotationShown
  | IncidentShown
  | CampaignShown
  | CertificateShown
  | AuditShown
  | ChainEntries;

/** Instead of a view: why there is none. */
export interface Trouble {
  readonly text: string;
}
