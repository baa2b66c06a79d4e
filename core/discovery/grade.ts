import type { ProviderFacts } from "../policy.ts";

/** How far a rotation of a secret could be proven, from what can be seen before anything is declared. */
export type Grade = "provable" | "needsAttestation" | "cannotBeProven" | "needsNoKey";

export interface GradeView {
  /** Absent where nothing says who issued the key. */
  readonly issuer?: { readonly title: string; readonly keyless?: string; readonly facts?: ProviderFacts };
  /** The roles that read it. */
  readonly readers: readonly string[];
  /** False if the access records could not be read, or not far enough back. */
  readonly areReadersKnown: boolean;
}

export interface Graded {
  readonly grade: Grade;
  /** In one line, for the person who edits the draft. */
  readonly why: string;
}

export const gradeTexts: Readonly<Record<Grade, string>> = {
  provable: "provable",
  needsAttestation: "needs attestation",
  cannotBeProven: "cannot be proven",
  needsNoKey: "needs no key",
};

export function gradeOf({ issuer, readers, areReadersKnown }: GradeView): Graded {
  if (issuer === undefined)
    return { grade: "cannotBeProven", why: "its name and tags say nothing about who issued the key" };
  const { title, facts, keyless } = issuer;
  if (facts === undefined) return { grade: "cannotBeProven", why: `Rekey cannot rotate keys of ${title}` };
  const { shape, revoke, lastUsed, usagePerKey } = facts.capabilities;
  if (shape.kind === "federated")
    return { grade: "needsNoKey", why: `${title} gives workloads short-lived credentials` };
  if (shape.kind === "inPlace")
    return { grade: "cannotBeProven", why: `a new key of ${title} ends the one in use at once` };
  if (!revoke) return { grade: "cannotBeProven", why: `no API of ${title} shows or ends its keys` };
  const better = keyless === undefined ? "" : `; better without a key: ${keyless}`;
  if (!areReadersKnown)
    return { grade: "needsAttestation", why: `who reads it is not known: CloudTrail was not read${better}` };
  if (readers.length === 0)
    return {
      grade: "needsAttestation",
      why: `nobody was seen reading it: somebody has to say who uses it${better}`,
    };
  const count = readers.length === 1 ? "1 role reads it" : `${readers.length} roles read it`;
  if (!lastUsed && !usagePerKey)
    return {
      grade: "needsAttestation",
      why: `${count}, and ${title} does not show use of a key: let its readers report (docs/consumers.md), or attest${better}`,
    };
  return { grade: "provable", why: `${count}, and ${title} shows when a key is used${better}` };
}
