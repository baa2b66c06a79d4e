import type { VersionId } from "../../core/ports.ts";

/**
 * The id of a version that somebody else wrote: Vault's number, and when it was made, because the numbers begin again
 * once a secret was removed with all its versions.
 */
export function numberedId({
  number,
  createdAt,
}: {
  readonly number: number;
  readonly createdAt: string;
}): VersionId {
  return `kv-${number}-${createdAt.replace(/[^0-9]/g, "").slice(0, 23)}`;
}

export function numberIn(versionId: VersionId): number | undefined {
  const [, number] = /^kv-(\d{1,9})-\d{8,23}$/.exec(versionId) ?? [];
  return number === undefined ? undefined : Number(number);
}
