import type { LeakedKey } from "./incident-plan.ts";
import { Random } from "./random.ts";
import { type RoughOutside, roughOutsideFor } from "./rough-outside.ts";

/** One report of one key, as its sender posts it to the intake. */
export interface PlannedReport {
  readonly afterMs: number;
  readonly source: "report" | "trufflehog";
  /** The sender's own id; the same again is the same alert. */
  readonly id: string;
  readonly names: "key" | "fingerprint" | "keyId";
  readonly exposure: "public" | "private";
  readonly noticedAgoMs: number | undefined;
}

export interface PlannedLeak {
  readonly atMs: number;
  readonly secret: number;
  /** `incoming`: of the run at work, promoted or not. `successor`: what replaced the key that leaked first. */
  readonly key: LeakedKey | "incoming" | "successor" | "same";
  readonly phase: string | undefined;
  /** Somebody rolls AWSCURRENT back before it: then the incoming key is nobody's current key. */
  readonly isRolledBack: boolean;
  readonly reports: readonly PlannedReport[];
}

export interface PlannedForgery {
  readonly atMs: number;
  readonly secret: number;
  readonly how: Forgery;
}

/** `tampered`: a genuine request with one byte of its body changed. `cut`: signed rightly, and half of it. */
export type Forgery = "wrongSignature" | "tampered" | "replayed" | "cut" | "stale" | "unsigned";

export interface PlannedWord {
  readonly atMs: number;
  readonly word: Word;
}

export type Word =
  | "incident-contain-now"
  | "incident-waive"
  | "incident-false-alarm"
  | "incident-undo-quarantine";

/** What people and strangers do around the leaks of one run; everything that is told goes through the intake. */
export interface HardIncident {
  readonly leaks: readonly PlannedLeak[];
  /** An operator's hold on the leaked key's secret, and when it is taken back, if ever. */
  readonly hold: { readonly atMs: number; readonly releaseAtMs: number | undefined } | undefined;
  readonly forgeries: readonly PlannedForgery[];
  readonly words: readonly PlannedWord[];
  /** So many reports of places and hints at once, just before the first leak. */
  readonly flood: number;
  readonly containByMs: number;
  readonly escalateAfterMs: number;
  /** What else outsiders send and people order about the first leak. */
  readonly rough: RoughOutside | undefined;
  /** The provider's quarantine lets a key do nothing at all, so an incident may begin with it. */
  readonly quarantineContains: boolean;
}

/** Begins the id of every forged alert. */
export const forgedMark = "forged-";
/** What the intake is called while it answers one. */
export const forgery = "intake, forged";

const everyNth = 8;
const nth = 5;
const stream = 6;
const minuteMs = 60_000;
const firstLatestMs = 40_000;
const lastMs = 100_000;

export const isHard = (seed: number) => seed % everyNth === nth;

/** In an eighth of the seeds, from a stream of its own: what the seed decides besides stays as it was. */
export function hardIncidentFor(seed: number, secrets: number): HardIncident | undefined {
  if (!isHard(seed)) return undefined;
  const random = new Random(seed, stream);
  const first = firstLeak(random, secrets);
  const second = random.chance(0.6) ? [secondLeak(random, { first, secrets })] : [];
  return {
    leaks: [first, ...second],
    hold: random.chance(0.5) ? holdAround(random, first.atMs) : undefined,
    forgeries: forgeriesFor(random, secrets),
    words: wordsFor(random, first.atMs),
    flood: random.chance(0.12) ? random.int(9, 13) : 0,
    containByMs: random.int(5_000, 60_000),
    escalateAfterMs: random.int(30_000, 5 * minuteMs),
    rough: roughOutsideFor(seed),
    quarantineContains: random.chance(0.5),
  };
}

function firstLeak(random: Random, secrets: number): PlannedLeak {
  const key = random.pick(["current", "current", "pending", "incoming", "incoming", "retiring"] as const);
  return {
    atMs: random.int(0, firstLatestMs),
    secret: random.int(0, secrets - 1),
    key,
    phase: phaseFor(random, key),
    isRolledBack: key === "incoming" && random.chance(0.5),
    reports: reportsFor(random, "leak-1"),
  };
}

function phaseFor(random: Random, key: PlannedLeak["key"]): string | undefined {
  switch (key) {
    case "pending":
      return random.pick(["staged", "proven", "promoting"]);
    case "incoming":
      return random.pick(["promoted", "promoted", "quarantined", "revoking"]);
    case "retiring":
      return random.pick(["promoted", "promoted", "quarantined", "revoking", "revoked"]);
    default:
      return random.pick([undefined, undefined, undefined, "staged", "promoted"]);
  }
}

function secondLeak(
  random: Random,
  { first, secrets }: { readonly first: PlannedLeak; readonly secrets: number },
): PlannedLeak {
  const key = random.pick(["successor", "successor", "same", "current", "old"] as const);
  const isHere = key === "successor" || key === "same" || random.chance(0.3);
  return {
    atMs: first.atMs + random.int(1_000, 40_000),
    secret: isHere ? first.secret : random.int(0, secrets - 1),
    key,
    phase: undefined,
    isRolledBack: false,
    reports: reportsFor(random, "leak-2"),
  };
}

function reportsFor(random: Random, id: string): readonly PlannedReport[] {
  const exposure = random.pick(["public", "public", "private"] as const);
  const first = reportFor(random, { id, exposure });
  const again = random.chance(0.3) ? [{ ...first, afterMs: random.int(100, 20_000) }] : [];
  const elsewhere = random.chance(0.3)
    ? [{ ...reportFor(random, { id: `${id}-again`, exposure }), afterMs: random.int(100, 30_000) }]
    : [];
  return [first, ...again, ...elsewhere];
}

function reportFor(random: Random, facts: Pick<PlannedReport, "id" | "exposure">): PlannedReport {
  return {
    ...facts,
    afterMs: 0,
    source: random.pick(["report", "report", "trufflehog"]),
    names: random.pick(["key", "key", "fingerprint", "keyId"]),
    noticedAgoMs: random.chance(0.3) ? random.int(-5 * minuteMs, 20 * minuteMs) : undefined,
  };
}

function holdAround(random: Random, leakAtMs: number): HardIncident["hold"] {
  const atMs = Math.max(0, leakAtMs + random.int(-20_000, 5_000));
  return { atMs, releaseAtMs: random.chance(0.3) ? atMs + random.int(5_000, 60_000) : undefined };
}

function forgeriesFor(random: Random, secrets: number): readonly PlannedForgery[] {
  return Array.from({ length: random.pick([0, 1, 1, 2, 3]) }, () => ({
    atMs: random.int(0, lastMs),
    secret: random.int(0, secrets - 1),
    how: random.pick<Forgery>([
      "wrongSignature",
      "tampered",
      "replayed",
      "replayed",
      "cut",
      "stale",
      "unsigned",
    ]),
  }));
}

const words: readonly [Word, ...Word[]] = [
  ...(["incident-contain-now", "incident-waive", "incident-false-alarm"] as const),
  ...(["incident-undo-quarantine", "incident-undo-quarantine"] as const),
];

function wordsFor(random: Random, leakAtMs: number): readonly PlannedWord[] {
  return Array.from({ length: random.pick([0, 0, 1, 1, 2]) }, () => ({
    atMs: leakAtMs + random.int(500, 30_000),
    word: random.pick(words),
  }));
}
