import { type TriagedRead, type TriageItem, withRead } from "../core/adoption/unexpected-read.ts";
import type { SecretArn } from "../core/ports.ts";
import type { Documents } from "./documents.ts";

/** Reads that somebody should look at: at most one item for each secret and day. */
export function triageIn(at: Documents) {
  return {
    triage: (secretArn: SecretArn) => at.all<TriageItem>({ kind: "TRIAGE", id: secretArn }),
    /** Writes only what is new: a reader that asks every second changes nothing. */
    putTriage: async (secretArn: SecretArn, read: TriagedRead): Promise<"opened" | "added" | "known"> => {
      const day = new Date(read.atMs).toISOString().slice(0, 10);
      const key = { kind: "TRIAGE", id: secretArn, sort: day };
      const before = await at.read<TriageItem>(key);
      const after = withRead(before, day, read);
      if (after === before) return "known";
      await at.change<TriageItem>(key, (now) => withRead(now, day, read));
      return before === undefined ? "opened" : "added";
    },
  };
}
