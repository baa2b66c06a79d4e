import { Random } from "./random.ts";

/** Which of a secret's keys leaks, as it stands when the first alert is raised; without one, the current key. */
export type LeakedKey = "current" | "pending" | "retiring" | "old";

/** One delivery of an alert; the same `sourceId` again is a duplicate. */
export interface PlannedAlert {
  readonly afterMs: number;
  readonly kind: "start" | "append";
  readonly source: "trufflehog" | "github" | "gitguardian";
  readonly sourceId: string;
  readonly exposure: "public" | "private";
  /** How long before the alert came its sender claims to have noticed; negative is a time that is yet to come. */
  readonly noticedAgoMs: number | undefined;
}

export interface PlannedIncident {
  readonly atMs: number;
  readonly secret: number;
  readonly key: LeakedKey;
  /** Waits for a rotation to come to this phase, and not for ever. */
  readonly phase: string | undefined;
  readonly identity: "fingerprint" | "hint" | "location";
  readonly alerts: readonly PlannedAlert[];
  readonly containByMs: number;
  readonly escalateAfterMs: number;
}

const latestMs = 70_000;
const minuteMs = 60_000;
const everyNth = 4;
const nth = 2;
const stream = 5;

/** In a quarter of the seeds, from a stream of its own: what the seed decides besides stays as it was. */
export function incidentFor(seed: number, secrets: number): PlannedIncident | undefined {
  if (seed % everyNth !== nth) return undefined;
  const random = new Random(seed, stream);
  const key = random.pick<LeakedKey>(["current", "current", "current", "pending", "retiring", "old"]);
  return {
    atMs: random.int(0, latestMs),
    secret: random.int(0, secrets - 1),
    key,
    phase: phaseFor(random, key),
    identity: random.pick([...exactMostly, "hint", "location"]),
    alerts: alertsFor(random),
    containByMs: random.int(10_000, 2 * minuteMs),
    escalateAfterMs: random.int(30_000, 5 * minuteMs),
  };
}

const exactMostly = ["fingerprint", "fingerprint", "fingerprint", "fingerprint", "fingerprint"] as const;

function phaseFor(random: Random, key: LeakedKey): string | undefined {
  if (key === "pending") return random.pick(["staged", "proven", "promoting"]);
  if (key === "retiring") return random.pick(["promoted", "promoted", "quarantined", "revoking", "revoked"]);
  return random.pick([undefined, undefined, "opened", "staged", "promoted", "revoking"]);
}

function alertsFor(random: Random): readonly PlannedAlert[] {
  const exposure = random.pick(["public", "private"] as const);
  const noticedAgoMs = random.chance(0.4) ? random.int(-10 * minuteMs, 20 * minuteMs) : undefined;
  const first = { afterMs: 0, kind: "start", source: "trufflehog", sourceId: "finding-1" } as const;
  const alerts: PlannedAlert[] = [{ ...first, exposure, noticedAgoMs }];
  if (random.chance(0.4)) alerts.push({ ...first, exposure, noticedAgoMs, afterMs: random.int(0, 20_000) });
  if (random.chance(0.3)) alerts.push(another(random, { exposure, kind: "start", source: "github" }));
  if (random.chance(0.3)) alerts.push(another(random, { exposure, kind: "append", source: "gitguardian" }));
  return alerts;
}

/** The same key, seen by another source; some of it is on its way for longer than the first alert. */
function another(random: Random, facts: Pick<PlannedAlert, "exposure" | "kind" | "source">): PlannedAlert {
  const noticedAgoMs = random.chance(0.5) ? random.int(-10 * minuteMs, 5 * minuteMs) : undefined;
  return { ...facts, afterMs: random.int(-5_000, 40_000), sourceId: `${facts.source}-1`, noticedAgoMs };
}
