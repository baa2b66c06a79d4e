import type { AdoptionReason } from "../core/adoption/adoption.ts";

/** Who is behind, and which source says so. Ages are left out, so that a new line is printed only for news. */
export function reasonText({ consumer, instance, detail, source }: AdoptionReason): string {
  const who = [consumer, instance && `instance ${instance}`].filter(Boolean).join(" ");
  return who === "" ? detail : `${who} ${detail} (${source})`;
}
