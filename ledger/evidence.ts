import {
  type Evidence,
  evidenceKey,
  type Forgotten,
  type InstanceEvidence,
  isInstance,
  isJump,
  isMaterial,
  isNewer,
} from "../core/adoption/evidence.ts";
import { cutToBytes } from "../core/bytes.ts";
import type { SecretArn, TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

/** The evidence about the consumers of a secret: the newest for each `evidenceKey`. */
export function evidenceIn(at: Documents) {
  /** A report whose sequence cannot be the instance's own is kept beside its reports, which it must not silence. */
  async function namedIfJump(secretArn: SecretArn, report: InstanceEvidence): Promise<InstanceEvidence> {
    const known = await at.read<InstanceEvidence>(evidenceAt(secretArn, report));
    if (!isJump(report, known)) return report;
    return { ...report, unproven: "jump", jumpedFrom: known?.sequence ?? 0 };
  }

  return {
    evidence: (secretArn: SecretArn) => at.all<Evidence>({ kind: "EVIDENCE", id: secretArn }),
    /**
     * `known`: it was stored before; `stillSo`: it is newer but changes only ages; `news`: it may change a
     * decision.
     */
    async putEvidence(secretArn: SecretArn, evidence: Evidence): Promise<"known" | "stillSo" | "news"> {
      let outcome: "known" | "stillSo" | "news" = "news";
      const item = isInstance(evidence) ? await namedIfJump(secretArn, evidence) : evidence;
      await at.change<Evidence>(
        evidenceAt(secretArn, item),
        (stored) => {
          if (stored !== undefined && !isNewer(item, stored)) {
            outcome = "known";
            return stored;
          }
          outcome = isMaterial(item, stored) ? "news" : "stillSo";
          return bounded(keepingForgotten(item, stored));
        },
        forgottenAfter(item),
      );
      return outcome;
    },
    /** False if the instance has reported meanwhile, or is not known any more: then nothing is changed. */
    async forgetInstance(
      secretArn: SecretArn,
      item: InstanceEvidence,
      forgotten: Forgotten,
    ): Promise<boolean> {
      let isDone = false;
      await at.change<InstanceEvidence>(
        evidenceAt(secretArn, item),
        (stored) => {
          isDone = stored?.sequence === item.sequence && stored.observedAtMs === item.observedAtMs;
          return isDone ? { ...item, forgotten } : (stored ?? item);
        },
        forgottenAfter(item),
      );
      return isDone;
    },
    removeEvidence: (secretArn: SecretArn, evidence: Evidence) => at.remove(evidenceAt(secretArn, evidence)),
  };
}

/** An instance that comes back is still the one that somebody said is gone. */
function keepingForgotten(item: Evidence, stored: Evidence | undefined): Evidence {
  if (stored === undefined || !isInstance(item) || !isInstance(stored) || !stored.forgotten) return item;
  return { ...item, forgotten: stored.forgotten };
}

const dayMs = 24 * 3_600_000;
/** Longer than any replay of a report is taken for a report, and than a rotation usually takes. */
const endedKeptMs = 7 * dayMs;
const silentKeptMs = 400 * dayMs;

/** Reports of instances that have ended would otherwise pile up for as long as the secret lives. */
function forgottenAfter(item: Evidence): { readonly forgetAtMs?: number } {
  if (!isInstance(item)) return {};
  const isOver = item.ended || item.unproven === "jump";
  return { forgetAtMs: item.observedAtMs + (isOver ? endedKeptMs : silentKeptMs) };
}

/** What a platform says of a restart is its own text, of any length. */
const detailBytesMax = 1_000;

function bounded(evidence: Evidence): Evidence {
  if (!("detail" in evidence) || evidence.detail === undefined) return evidence;
  return { ...evidence, detail: cutToBytes(evidence.detail, detailBytesMax) };
}

function evidenceAt(secretArn: SecretArn, evidence: Evidence): TableKey {
  return { kind: "EVIDENCE", id: secretArn, sort: evidenceKey(evidence) };
}
