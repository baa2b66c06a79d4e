import type { Baseline } from "./baseline-file.ts";
import type { Finding } from "./finding.ts";

/** Findings that the baseline names are accepted; `gone` are its entries that nothing matches any more. */
export function withBaseline(
  findings: readonly Finding[],
  { findings: entries }: Baseline,
): { readonly findings: readonly Finding[]; readonly gone: number } {
  const reasons = new Map(entries.map(({ id, reason }) => [id, reason]));
  const seen = new Set<string>();
  const marked = findings.map((finding): Finding => {
    const reason = reasons.get(finding.id);
    if (reason === undefined) return finding;
    seen.add(finding.id);
    return finding.accepted ? finding : { ...finding, accepted: { by: "baseline", reason } };
  });
  return { findings: marked, gone: reasons.size - seen.size };
}

/** A baseline of these findings; reasons that were written before are kept. */
export function baselineText(
  findings: readonly Finding[],
  before: Baseline | undefined,
  reason: string,
): string {
  const reasons = new Map(before?.findings.map((entry) => [entry.id, entry.reason]));
  const entries = new Map(
    findings
      .filter(({ accepted }) => accepted?.by !== "comment")
      .map(({ id, rule, path }) => [id, { id, rule, path, reason: reasons.get(id) ?? reason }]),
  );
  return `${JSON.stringify({ version: 1, findings: [...entries.values()] }, null, 2)}\n`;
}
