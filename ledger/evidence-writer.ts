import { type Evidence, evidenceKey, isInstance, isMaterial, isNewer } from "../core/adoption/evidence.ts";
import { cutToBytes } from "../core/bytes.ts";
import type { SecretArn, TableKey } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

/** `known`: it was stored before; `stillSo`: it is newer but changes only ages; `news`: it may change a decision. */
export type Stored = "known" | "stillSo" | "news";

export interface Forget {
  readonly forgetAtMs?: number;
}

/** How one piece of evidence is written. */
export function evidenceWriter(at: Documents) {
  async function write<Item extends Evidence>(
    key: TableKey,
    merge: (stored: Item | undefined) => Item,
    forget: Forget,
  ): Promise<Stored> {
    let outcome: Stored = "news";
    await at.change<Item>(
      key,
      (stored) => {
        const next = merge(stored);
        outcome = next === stored ? "known" : isMaterial(next, stored) ? "news" : "stillSo";
        return next;
      },
      forget,
    );
    return outcome;
  }

  function put(secretArn: SecretArn, item: Evidence, forget: Forget = {}): Promise<Stored> {
    const merge = (stored: Evidence | undefined) =>
      stored !== undefined && !isNewer(item, stored) ? stored : bounded(keepingForgotten(item, stored));
    return write(evidenceAt(secretArn, item), merge, forget);
  }

  return { write, put };
}

/** An instance that comes back is still the one that somebody said is gone. */
function keepingForgotten(item: Evidence, stored: Evidence | undefined): Evidence {
  if (stored === undefined || !isInstance(item) || !isInstance(stored) || !stored.forgotten) return item;
  return { ...item, forgotten: stored.forgotten };
}

/** What a platform says of a restart is its own text, of any length. */
const detailBytesMax = 1_000;

function bounded(evidence: Evidence): Evidence {
  if (!("detail" in evidence) || evidence.detail === undefined) return evidence;
  return { ...evidence, detail: cutToBytes(evidence.detail, detailBytesMax) };
}

export function evidenceAt(secretArn: SecretArn, evidence: Evidence): TableKey {
  return { kind: "EVIDENCE", id: secretArn, sort: evidenceKey(evidence) };
}
