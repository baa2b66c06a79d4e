import { createHash } from "node:crypto";
import * as z from "zod";
import type { VersionId } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";

/**
 * What Rekey knows of one version, as JSON in its one tag: Azure names versions itself and allows 15 tags. Whoever may
 * list the vault reads it, so it holds no value.
 */
const Mark = z.object({
  id: z.string().min(1).max(128),
  /** Of a version that Rekey wrote: somebody who copies the tag to another value is found out. */
  digest: z.string().max(64).optional(),
  /** Rekey wrote it, and it has a use. */
  byRekey: z.literal(true).optional(),
  pending: z.literal(true).optional(),
  pinned: z.literal(true).optional(),
  /** How many versions of others there were when this one was promoted. */
  others: z.int().nonnegative().optional(),
});
export type Mark = z.output<typeof Mark>;
export type Tags = Readonly<Record<string, string>>;

const tag = "rekey";

export function markIn(tags: Tags): Mark | undefined {
  try {
    return Mark.safeParse(JSON.parse(tags[tag] ?? "")).data;
  } catch {
    return undefined;
  }
}

/** Undefined takes it off. */
export function withMark(tags: Tags, mark: Mark | undefined): Tags {
  const { [tag]: _former, ...others } = tags;
  return mark === undefined ? others : { ...others, [tag]: JSON.stringify(mark) };
}

/** Differs for the same text under another id, so that a list of tags does not show which values are the same. */
export function digestOf(id: VersionId, text: Secret): string {
  return createHash("sha256").update(`${id}\n${text.reveal()}`).digest("base64url");
}
