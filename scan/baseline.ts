import * as z from "zod";
import type { Finding } from "./finding.ts";

/** What was there before the gate and is accepted for now, with a reason for each; it holds no key and no hash of one. */
const Baseline = z.strictObject({
  version: z.literal(1),
  findings: z
    .array(
      z.strictObject({
        id: z.string().min(1).max(64),
        rule: z.string().max(64),
        path: z.string().max(4_096),
        reason: z.string().min(1).max(500),
      }),
    )
    .max(10_000),
});

export type Baseline = z.output<typeof Baseline>;

/** Undefined if the text is no baseline. */
export function readBaseline(text: string): Baseline | undefined {
  try {
    return Baseline.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

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
