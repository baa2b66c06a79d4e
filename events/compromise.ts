/** `KeyCompromised` on the alert bus: one alert of an authenticated sender, and how it arrived. */
import * as z from "zod";
import { type Alert, AlertSchema } from "./alert.ts";

export const compromiseSource = "rekey.intake";
export const compromiseType = "KeyCompromised";

export interface KeyCompromised {
  readonly alert: Alert;
  /** `append` adds facts to an existing incident and opens none. */
  readonly kind: "start" | "append";
  /** When the intake received it, on the intake's clock. */
  readonly receivedAtMs: number;
  /** The source whose signature was verified. */
  readonly intake: string;
}

/** Strict, like the schema of the alert in it: no field can carry text that was not cleaned. */
export const KeyCompromisedSchema = z.strictObject({
  alert: AlertSchema,
  kind: z.enum(["start", "append"]),
  receivedAtMs: z.int().nonnegative(),
  intake: z.string().regex(/^[a-z-]{1,32}$/),
}) satisfies z.ZodType<KeyCompromised>;

/** The entry for PutEvents, without the bus. */
export function compromiseEvent(detail: KeyCompromised) {
  const checked = KeyCompromisedSchema.parse(detail);
  return { Source: compromiseSource, DetailType: compromiseType, Detail: JSON.stringify(checked) };
}
