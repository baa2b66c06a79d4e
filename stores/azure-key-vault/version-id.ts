import type { VersionId } from "../../core/ports.ts";

/** The id of a version that somebody else wrote: Azure never uses a name twice. */
export const foreignId = (version: string): VersionId => `akv-${version}`;

export function versionIn(versionId: VersionId): string | undefined {
  return /^akv-([0-9a-f]{32})$/.exec(versionId)?.[1];
}
