import type { Digest } from "../ports.ts";
import { isoText } from "../utc.ts";

/** An in-toto Statement: what it is about, by digest, and what is said about it. */
export interface Statement {
  readonly _type: "https://in-toto.io/Statement/v1";
  readonly subject: readonly Subject[];
  readonly predicateType: typeof predicateType;
  readonly predicate: Readonly<Record<string, unknown>>;
}

export interface Subject {
  readonly name: string;
  readonly digest: { readonly sha256: string };
}

/** The number is the schema's: additions that a reader may ignore keep it. */
export const predicateType = "urn:rekey:certificate:v0.1";

/** One entry of an audit chain, as the certificate quotes it. */
export interface ChainEntry {
  readonly seq: number;
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly detail: Readonly<Record<string, string | number | boolean>>;
  readonly hash: string;
}

/** An audit chain that was read and verified just before. */
export interface Chain {
  readonly id: string;
  readonly head: { readonly seq: number; readonly hash: string };
  /** Those entries that belong to the run or incident. */
  readonly entries: readonly ChainEntry[];
}

export function statement(
  subject: readonly Subject[],
  predicate: Readonly<Record<string, unknown>>,
): Statement {
  return { _type: "https://in-toto.io/Statement/v1", subject, predicateType, predicate };
}

/**
 * A subject of which only the name exists: its digest is that of the name. Whoever verifies a certificate computes
 * it from what they expect.
 */
export function namedSubject(name: string, { sha256Hex }: Digest): Subject {
  return { name, digest: { sha256: sha256Hex(name) } };
}

/** A key by its fingerprint, which is the SHA-256 of its text. */
export function keySubject(role: string, key: { keyId?: string; fingerprint?: string }): readonly Subject[] {
  const hex = /^sha256:([0-9a-f]{64})$/.exec(key.fingerprint ?? "")?.[1];
  return hex === undefined ? [] : [{ name: `${role}:${key.keyId ?? "unknown"}`, digest: { sha256: hex } }];
}

export function chainSubject({ id, head }: Chain): Subject {
  return { name: `audit:${id}:${head.seq}`, digest: { sha256: head.hash } };
}

/** The time under this name, if there is one. */
export function timeAs<Name extends string>(name: Name, ms: number | undefined): { [N in Name]?: string } {
  return (ms === undefined ? {} : { [name]: isoText(ms) }) as { [N in Name]?: string };
}

const ordersMax = 100;
/** What a person said, of which Rekey saw nothing. */
const statements: ReadonlySet<string> = new Set(["AdoptionAttested", "InstanceForgotten"]);

/** What people ordered or stated, by the AWS principal that called. Rekey's own steps act under the run's id. */
export function ordersIn(chains: readonly Chain[]): readonly unknown[] {
  const entries = chains.flatMap(({ entries: own }) => own).filter(({ actor }) => actor.startsWith("arn:"));
  return entries.slice(0, ordersMax).map(({ action, actor, atMs, detail, seq, hash }) => ({
    ...{ action, by: actor, at: isoText(atMs), detail },
    claim: statements.has(action) ? "attested" : "observed",
    entry: { seq, sha256: hash },
  }));
}

const entriesMax = 200;

/** The chain's head, and the entries about this run, so that a reader with the log can find each. */
export function auditOf({ id, head, entries }: Chain): unknown {
  return {
    ...{ chain: id, head: { seq: head.seq, sha256: head.hash }, verified: true },
    entries: entries.slice(-entriesMax).map(({ seq, hash, action, atMs }) => ({
      ...{ seq, sha256: hash, action, at: isoText(atMs) },
    })),
    entriesOmitted: Math.max(0, entries.length - entriesMax),
  };
}
