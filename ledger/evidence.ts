import { type Evidence, evidenceKey, isMaterial, isNewer } from "../core/adoption/evidence.ts";
import { cutToBytes } from "../core/bytes.ts";
import type { SecretArn, TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

/** The evidence about the consumers of a secret: the newest for each `evidenceKey`. */
export function evidenceIn(at: Documents) {
  return {
    evidence: (secretArn: SecretArn) => at.all<Evidence>({ kind: "EVIDENCE", id: secretArn }),
    /**
     * `known`: it was stored before; `stillSo`: it is newer but changes only ages; `news`: it may change a
     * decision.
     */
    async putEvidence(secretArn: SecretArn, evidence: Evidence): Promise<"known" | "stillSo" | "news"> {
      let outcome: "known" | "stillSo" | "news" = "news";
      await at.change<Evidence>(evidenceAt(secretArn, evidence), (stored) => {
        if (stored !== undefined && !isNewer(evidence, stored)) {
          outcome = "known";
          return stored;
        }
        outcome = isMaterial(evidence, stored) ? "news" : "stillSo";
        return bounded(evidence);
      });
      return outcome;
    },
    removeEvidence: (secretArn: SecretArn, evidence: Evidence) => at.remove(evidenceAt(secretArn, evidence)),
  };
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
