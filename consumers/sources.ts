import type { EvidenceSource } from "./ports.ts";

/** Sources that have to be asked. Reports, records and attestations arrive by themselves. */
export function evidenceSources(): readonly EvidenceSource[] {
  return [];
}
