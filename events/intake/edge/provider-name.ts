import { alertLimits } from "../../alert.ts";

/** A scanner's name of a provider as lower-case words: which provider of ours that is, `providers/` knows. */
export function providerSlug(name: string | undefined): string | undefined {
  const bounded = (name ?? "").slice(0, alertLimits.providerLength).toLowerCase();
  const slug = bounded
    .split(/[^a-z0-9]/)
    .filter(Boolean)
    .join("-");
  return slug || undefined;
}
