import * as z from "zod";
import type { VersionId } from "../../core/ports.ts";

/**
 * What Rekey keeps beside a secret, in one KV v2 secret below the staging path: the versions that it wrote under the
 * ids that it chose, which of them is pending, and the pinned one's text, which Vault would delete after some more
 * writes. One document, so that its `cas` guards every change of it.
 */
const Version = z.object({
  id: z.string().min(1).max(128),
  /** SHA-256 of the text: a repeat is known by it when the text itself is not here any more. */
  digest: z.string().max(128),
  /** Until it is promoted or discarded. */
  text: z.string().optional(),
  /** Vault's number, once it was promoted. */
  number: z.int().positive().optional(),
  /** Absent: Rekey's mark was taken off, and the version has no use. */
  byRekey: z.boolean().optional(),
});
export type KeptVersion = z.output<typeof Version>;

export const Document = z.object({
  versions: z.array(Version).default([]),
  pending: z.string().optional(),
  pinned: z.object({ id: z.string(), text: z.string() }).optional(),
});
export type Document = z.output<typeof Document>;

/** A rotation writes one, and one for each edit that it merges; older ones that have no use are forgotten. */
const versionsMax = 40;

export function versionIn({ versions }: Document, id: VersionId): KeptVersion | undefined {
  return versions.find((each) => each.id === id);
}

export function withVersion(document: Document, version: KeptVersion): Document {
  const others = document.versions.filter(({ id }) => id !== version.id);
  const used = (each: KeptVersion) =>
    each.byRekey === true || each.id === document.pending || each.id === document.pinned?.id;
  const excess = Math.max(0, others.length + 1 - versionsMax);
  const gone = new Set(others.filter((each) => !used(each)).slice(0, excess));
  return { ...document, versions: [...others.filter((each) => !gone.has(each)), version] };
}

/** It has Vault's number now, so its text is not needed here any more. */
export function promotedAs(
  document: Document,
  { id, digest, number }: Required<Pick<KeptVersion, "id" | "digest" | "number">>,
): Document {
  const { text: _moved, ...known } = versionIn(document, id) ?? { id, digest };
  return withVersion(document, { ...known, number });
}

export function withoutUse(document: Document, id: VersionId): Document {
  const known = versionIn(document, id);
  const { pending, ...rest } = document;
  const kept = pending === undefined || pending === id ? rest : document;
  if (known === undefined) return kept;
  const { byRekey: _mark, text: _text, ...bare } = known;
  return withVersion(kept, bare);
}

export function withoutPending(document: Document, id: VersionId): Document {
  if (document.pending !== id) return document;
  const { pending: _gone, ...rest } = document;
  return rest;
}

export function withoutPin(document: Document, id: VersionId): Document {
  if (document.pinned?.id !== id) return document;
  const { pinned: _gone, ...rest } = document;
  return rest;
}
