import type { Digest, SecretArn } from "../core/ports.ts";
import { entryIn, hashOf, noHash } from "./entry.ts";

/** A statement of a signed checkpoint: entry `seq` of the chain had `hash`. */
export interface Anchored {
  readonly seq: number;
  readonly hash: string;
}

/** `entries` counts the entries before the break; `brokenAt` is the place in the chain where the break was found. */
export type Verification =
  | { readonly entries: number; readonly verified: true; readonly headHash: string }
  | { readonly entries: number; readonly verified: false; readonly brokenAt: number; readonly why: string };

export interface ChainReader {
  /** Takes the next entry in the table's order. Returns false at the first one that breaks the chain. */
  accepts(body: unknown): boolean;
  verification(): Verification;
}

interface Claims {
  readonly secretArn: SecretArn;
  readonly digest: Digest;
  readonly anchored: readonly Anchored[];
}

/** Reads a chain from its first entry and stops at the first entry that does not fit. */
export function chainReader(claims: Claims): ChainReader {
  let entries = 0;
  let headHash = noHash;
  let why: string | undefined;

  return {
    accepts(body) {
      const seq = entries + 1;
      why = whyNotNext(body, { ...claims, seq, previousHash: headHash });
      if (why !== undefined) return false;
      entries = seq;
      headHash = entryIn(body)?.hash ?? headHash;
      return true;
    },

    verification() {
      if (why !== undefined) return { entries, verified: false, brokenAt: entries + 1, why };
      const missing = claims.anchored.find(({ seq }) => seq > entries);
      if (!missing) return { entries, verified: true, headHash };
      const cut = `the log ends at entry ${entries}, but a checkpoint holds entry ${missing.seq}`;
      return { entries, verified: false, brokenAt: entries + 1, why: cut };
    },
  };
}

function whyNotNext(
  body: unknown,
  expected: Claims & { readonly seq: number; readonly previousHash: string },
): string | undefined {
  const { seq, previousHash, secretArn, digest, anchored } = expected;
  const entry = entryIn(body);
  if (!entry) return `entry ${seq} is no audit entry`;
  if (entry.seq > seq) return `entry ${seq} is missing`;
  if (entry.seq < seq) return `entry ${entry.seq} stands in the place of entry ${seq}`;
  if (entry.secretArn !== secretArn) return `entry ${seq} belongs to ${entry.secretArn}`;
  if (hashOf(body as object, digest) !== entry.hash) return `entry ${seq} was changed after it was written`;
  if (entry.previousHash !== previousHash) return `entry ${seq} does not follow the entry before it`;
  const contradicted = anchored.some((point) => point.seq === seq && point.hash !== entry.hash);
  if (contradicted) return `entry ${seq} differs from its checkpoint: the log was rewritten`;
  return undefined;
}
