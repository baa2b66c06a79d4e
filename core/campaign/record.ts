import type { Fingerprint, SecretArn } from "../ports.ts";

/**
 * Many incidents that one order opened: every key that may have leaked at once. It holds the clock, what was decided
 * and how it stands; each of its keys is an item of its own beside it.
 */
export interface Campaign {
  readonly campaignId: string;
  /** Which keys were meant, as the person said it: "all", "provider openai-main". */
  readonly title: string;
  readonly reason: string;
  readonly by: string;
  readonly approvedBy?: string;
  readonly openedAtMs: number;
  /** Of every key: no incident of the campaign has a clock of its own. */
  readonly deadlineAtMs: number;
  readonly status: "running" | "paused" | "done";
  /** Why it is paused, and who paused it; `rekey` if it paused itself. */
  readonly paused?: { readonly why: string; readonly by: string; readonly atMs: number };
  /** How many failed keys people had seen when they resumed it: only further ones pause it again. */
  readonly failuresAccepted: number;
  readonly keys: number;
  /** The place that was breached: nothing is written there until a person declares it clean. */
  readonly destination?: string;
  /** When the canaries had all moved, or were waited for long enough. */
  readonly canariesEndedAtMs?: number;
  readonly figures: CampaignFigures;
  readonly timeline: readonly CampaignEntry[];
  readonly pages: readonly CampaignPage[];
  readonly report?: { readonly path: string; readonly atMs: number };
  readonly closedAtMs?: number;
}

export interface CampaignEntry {
  readonly atMs: number;
  readonly what: "opened" | "canariesMoved" | "canariesSlow" | "paused" | "resumed" | "paged" | "done";
  readonly detail: string;
  readonly by?: string;
}

export interface CampaignPage {
  readonly atMs: number;
  readonly reason: "opened" | "paused" | "needPeople" | "deadline" | "done";
  /** How many keys needed a person then. */
  readonly needPeople: number;
  readonly delivered: readonly string[];
}

export interface CampaignFigures {
  readonly keys: number;
  readonly started: number;
  readonly contained: number;
  readonly replaced: number;
  readonly needPeople: number;
  readonly failed: number;
  /** Instances of consumers that said that their replacement was refused. */
  readonly refusedInstances: number;
  readonly lastContainedAtMs?: number;
}

/** Which keys start when. `abused` and `people` wait for nobody; `canary` goes first of the others. */
export type CampaignWave = "abused" | "people" | "canary" | "rest";

export interface CampaignKey {
  /** Its place in the order: 1 is contained first. */
  readonly place: number;
  readonly secretArn: SecretArn;
  readonly name: string;
  readonly environment: string;
  readonly account: string;
  /** What the account answers for as long as it is asked. */
  readonly callsPerSecond: number;
  readonly provider: string;
  readonly consumers: readonly string[];
  readonly fingerprint?: Fingerprint;
  readonly plan: "contain-first" | "switch-first";
  readonly wave: CampaignWave;
  /** Why it stands where it stands in the order. */
  readonly why: string;
  /** Why a person has to do a part of it, if that is known beforehand. */
  readonly person?: string;
  readonly startedAtMs?: number;
  readonly incidentId?: string;
  readonly progress?: KeyProgress;
}

/** How one key stands, taken from its incident. */
export interface KeyProgress {
  readonly containedAtMs?: number;
  readonly isReplaced: boolean;
  /** Why a person is needed; absent if nobody is. */
  readonly person?: string;
  /** What went wrong that was not expected of this key. */
  readonly failure?: string;
  readonly refusedInstances: number;
  /** The replacement works, and nothing waits for it any more. */
  readonly hasMoved: boolean;
  /** Nothing more will happen by itself. */
  readonly isOver: boolean;
  readonly certificate?: { readonly path: string; readonly sha256: string };
}
