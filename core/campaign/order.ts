import type { CampaignKey, CampaignWave } from "./record.ts";

/** One key that the order covers, with all that decides its place. */
export interface Candidate
  extends Pick<
    CampaignKey,
    | "secretArn"
    | "name"
    | "environment"
    | "account"
    | "callsPerSecond"
    | "provider"
    | "consumers"
    | "fingerprint"
  > {
  /** Somebody saw the key in public, or it is made to be seen. */
  readonly isPublic: boolean;
  /** Somebody uses it who should not: a person named it, or an alert says that it was seen to work for a stranger. */
  readonly isAbused: boolean;
  /** How many instances of consumers were seen to hold it. */
  readonly instances: number;
  /** The provider cannot make the replacement, or Rekey may not change this secret. */
  readonly person?: string;
}

/** Enough to see every account and shared program at work; more would be a wave and no canary. */
const canariesMax = 10;

/** The keys in the order of what they can do: public ones first, then the most used, then the rest. */
export function campaignKeys(candidates: readonly Candidate[]): readonly CampaignKey[] {
  const ordered = candidates.toSorted(byBlastRadius);
  const canaries = canariesOf(ordered);
  return ordered.map((candidate, index) => {
    const { isPublic, isAbused, instances, person, ...key } = candidate;
    const wave = waveOf(candidate, canaries);
    return {
      ...key,
      place: index + 1,
      wave,
      plan: isAbused ? "contain-first" : "switch-first",
      why: whyHere({ isPublic, isAbused, instances }),
      ...(person !== undefined && { person }),
    };
  });
}

function byBlastRadius(one: Candidate, other: Candidate): number {
  return (
    Number(other.isAbused) - Number(one.isAbused) ||
    Number(other.isPublic) - Number(one.isPublic) ||
    other.instances - one.instances ||
    (one.secretArn < other.secretArn ? -1 : 1)
  );
}

/** The key of each account that fewest programs use: what goes wrong with it harms least and says most. */
function canariesOf(ordered: readonly Candidate[]): ReadonlySet<Candidate> {
  const byAccount = new Map<string, Candidate>();
  for (const candidate of ordered)
    if (!candidate.isAbused && candidate.person === undefined) byAccount.set(candidate.account, candidate);
  return new Set([...byAccount.values()].slice(0, canariesMax));
}

function waveOf(candidate: Candidate, canaries: ReadonlySet<Candidate>): CampaignWave {
  if (candidate.isAbused) return "abused";
  if (candidate.person !== undefined) return "people";
  return canaries.has(candidate) ? "canary" : "rest";
}

function whyHere({ isPublic, isAbused, instances }: Pick<Candidate, "isPublic" | "isAbused" | "instances">) {
  if (isAbused) return "there is evidence of abuse";
  if (isPublic) return "it is public";
  return instances === 0 ? "no instance was seen with it" : `${instances} instances hold it`;
}

/** What two people confirm: exactly these keys, and which of them are contained before their consumers moved. */
export function campaignScope(keys: readonly CampaignKey[]): string {
  const lines = keys.map(({ secretArn, fingerprint, plan }) =>
    [secretArn, fingerprint ?? "", plan].join(" "),
  );
  return lines.toSorted().join("\n");
}
