import { type InstanceEvidence, isJump, placeOf, type UncountedEvidence } from "../core/adoption/evidence.ts";
import {
  type CountingPolicy,
  hasRoom,
  type RoomView,
  uncounted,
  unprovenUntilMs,
  withUncounted,
} from "../core/adoption/instance-limits.ts";
import type { SecretArn } from "../core/ports.ts";
import type { Documents } from "./documents.ts";
import { evidenceAt, evidenceWriter, type Forget, type Stored } from "./evidence-writer.ts";

interface Named {
  readonly item: InstanceEvidence;
  readonly isKnown: boolean;
}

/** Nothing of the secret is declared, as far as whoever asks knows. */
const nothingDeclared: CountingPolicy = { consumers: [] };

/**
 * Where a report of an instance is kept: by itself, or with the others of its consumer if there is no room. Only
 * what takes reports needs it, so it stands apart from the rest of the ledger.
 */
export function instancesIn(at: Documents) {
  const { put, write } = evidenceWriter(at);

  /** A report whose sequence cannot be the instance's own is kept beside its reports, which it must not silence. */
  async function namedIfJump(secretArn: SecretArn, report: InstanceEvidence): Promise<Named> {
    const known = await at.read<InstanceEvidence>(evidenceAt(secretArn, report));
    if (!isJump(report, known)) return { item: report, isKnown: known !== undefined };
    const item = { ...report, unproven: "jump", jumpedFrom: known?.sequence ?? 0 } as const;
    return { item, isKnown: (await at.read(evidenceAt(secretArn, item))) !== undefined };
  }

  /** Counted before the write: as many as arrive at the same moment may come on top. */
  async function isRoomFor(secretArn: SecretArn, view: Omit<RoomView, "kept">): Promise<boolean> {
    const prefix = `${placeOf(view.item)}/`;
    return hasRoom({ ...view, kept: await at.all({ kind: "EVIDENCE", id: secretArn, prefix }) });
  }

  /** Where there is no room, what a report says is kept with the others of its consumer. */
  /** The policy says whose instances are counted apart (core/adoption/instance-limits.ts). */
  async function putInstance(
    secretArn: SecretArn,
    report: InstanceEvidence,
    policy: CountingPolicy = nothingDeclared,
  ): Promise<Stored> {
    const { item, isKnown } = await namedIfJump(secretArn, report);
    const forget = forgottenAfter(item, policy);
    if (isKnown) return put(secretArn, item, forget);
    const beyond = uncounted(item, policy);
    const place = beyond && evidenceAt(secretArn, beyond);
    const before = place && (await at.read<UncountedEvidence>(place));
    // While there was no room a moment ago, nobody looks again: a flood must not read everything each time.
    if (beyond && before && withUncounted(before, beyond) === before) return "stillSo";
    if (await isRoomFor(secretArn, { item, policy })) return put(secretArn, item, forget);
    if (beyond === undefined || place === undefined) return "known";
    const uncountedFor = { forgetAtMs: beyond.observedAtMs + silentKeptMs };
    return write<UncountedEvidence>(place, (stored) => withUncounted(stored, beyond), uncountedFor);
  }

  return { putInstance };
}

const dayMs = 24 * 3_600_000;
/** Longer than any replay of a report is taken for a report, and than a rotation usually takes. */
const endedKeptMs = 7 * dayMs;
const silentKeptMs = 400 * dayMs;

/** Reports of instances that have ended would otherwise pile up for as long as the secret lives. */
function forgottenAfter(item: InstanceEvidence, policy: CountingPolicy): Forget {
  const untilMs = unprovenUntilMs(item, policy);
  if (untilMs !== undefined) return { forgetAtMs: untilMs + endedKeptMs };
  return { forgetAtMs: item.observedAtMs + (item.ended ? endedKeptMs : silentKeptMs) };
}
