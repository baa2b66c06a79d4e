import {
  type Evidence,
  type Forgotten,
  type InstanceEvidence,
  isInstance,
} from "../core/adoption/evidence.ts";
import type { CountingPolicy } from "../core/adoption/instance-limits.ts";
import type { SecretArn } from "../core/ports.ts";
import type { Documents } from "./documents.ts";
import { evidenceAt, evidenceWriter, type Stored } from "./evidence-writer.ts";
import { instancesIn } from "./instances.ts";

/** Nothing of the secret is declared, as far as whoever asks knows. */
const nothingDeclared: CountingPolicy = { consumers: [] };

/** The evidence about the consumers of a secret: the newest for each `evidenceKey`. */
export function evidenceIn(at: Documents) {
  const { put } = evidenceWriter(at);
  const { putInstance } = instancesIn(at);

  return {
    evidence: (secretArn: SecretArn) => at.all<Evidence>({ kind: "EVIDENCE", id: secretArn }),
    /** The policy says whose instances are counted apart (core/adoption/instance-limits.ts). */
    putEvidence: (secretArn: SecretArn, evidence: Evidence, policy = nothingDeclared): Promise<Stored> =>
      isInstance(evidence) ? putInstance(secretArn, evidence, policy) : put(secretArn, evidence),
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
