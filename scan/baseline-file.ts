import * as z from "zod";

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
