import type { Evidence, Forgotten, InstanceEvidence, SourceEvidence } from "../core/adoption/evidence.ts";
import type { SecretArn } from "../core/ports.ts";
import type { Documents } from "./documents.ts";
import { evidenceAt, evidenceWriter, type Stored } from "./evidence-writer.ts";

/** The evidence about the consumers of a secret: the newest for each `evidenceKey`. */
export function evidenceIn(at: Documents) {
  const { put } = evidenceWriter(at);

  return {
    evidence: (secretArn: SecretArn) => at.all<Evidence>({ kind: "EVIDENCE", id: secretArn }),
    /** An instance's own report is limited: `putInstance` (ledger/instances.ts) writes it. */
    putEvidence: (secretArn: SecretArn, evidence: SourceEvidence): Promise<Stored> =>
      put(secretArn, evidence),
    /** False if the instance has reported meanwhile, or is not known any more: then nothing is changed. */
    async forgetInstance(
      secretArn: SecretArn,
      item: InstanceEvidence,
      forgotten: Forgotten,
    ): Promise<boolean> {
      let isDone = false;
      await at.change<InstanceEvidence>(evidenceAt(secretArn, item), (stored) => {
        isDone = stored?.sequence === item.sequence && stored.observedAtMs === item.observedAtMs;
        return isDone ? { ...item, forgotten } : (stored ?? item);
      });
      return isDone;
    },
    removeEvidence: (secretArn: SecretArn, evidence: Evidence) => at.remove(evidenceAt(secretArn, evidence)),
  };
}
