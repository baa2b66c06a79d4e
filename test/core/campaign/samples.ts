import type { Candidate } from "../../../core/campaign/order.ts";
import { figuresOf } from "../../../core/campaign/progress.ts";
import type { Campaign, CampaignKey, KeyProgress } from "../../../core/campaign/record.ts";
import type { IncidentRecord, KeyInScope, SecretInScope } from "../../../core/incident/record.ts";

export const minute = 60_000;

export const candidate = (name: string, changes: Partial<Candidate> = {}): Candidate => ({
  ...{ secretArn: `arn:${name}`, name, environment: "production", account: "main", provider: "openai" },
  ...{ callsPerSecond: 5, consumers: ["production/web"], fingerprint: `sha256:${name}` },
  ...{ isPublic: false, isAbused: false, instances: 0 },
  ...changes,
});

export const moved: KeyProgress = { isReplaced: true, refusedInstances: 0, hasMoved: true, isOver: false };
export const key = (name: string, changes: Partial<CampaignKey> = {}): CampaignKey => ({
  ...{
    place: 1,
    secretArn: `arn:${name}`,
    name,
    environment: "production",
    account: "main",
    provider: "openai",
  },
  ...{
    callsPerSecond: 5,
    consumers: [],
    fingerprint: `sha256:${name}`,
    plan: "switch-first",
    wave: "rest",
    why: "x",
  },
  ...changes,
});

export const campaign = (changes: Partial<Campaign> = {}): Campaign => ({
  ...{
    campaignId: "c-1",
    title: "all",
    reason: "breach",
    by: "ada",
    openedAtMs: 0,
    deadlineAtMs: 15 * minute,
  },
  ...{ status: "running", failuresAccepted: 0, keys: 1, timeline: [], pages: [], figures: figuresOf([]) },
  ...changes,
});

export const inScope = (changes: Partial<KeyInScope> = {}): KeyInScope => ({
  ...{ standing: "current", state: "waiting", probes: 0, refusals: 0 },
  ...changes,
});
export const secret = (changes: Partial<SecretInScope> = {}): SecretInScope => ({
  ...{ secretArn: "arn:a", name: "a", environment: "production", standing: "current", fence: 1 },
  ...{ replacement: "pending", behind: [], moved: [] },
  ...changes,
});
export const incident = (changes: Partial<IncidentRecord>) =>
  ({ status: "open", keys: [inScope()], secrets: [secret()], ...changes }) as IncidentRecord;
