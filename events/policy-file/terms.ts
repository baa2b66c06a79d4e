import * as z from "zod";
import { type ChangeWindows, type FreezePeriod, minutesOfDay } from "../../core/calendar.ts";
import { instantOf } from "../zone-time.ts";

/** What a policy asks for before a promotion or a revoke, besides evidence. */

const dayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const listMax = 20;

const timezone = z.string("write a time zone such as Europe/Berlin").refine(isTimeZone, {
  message: "write a time zone such as Europe/Berlin",
});

/** Opening times are found by looking at each quarter of an hour (core/calendar.ts). */
const timeOfDay = z
  .string('write a time such as "09:00", in quotes')
  .regex(
    /^(?:[01]\d|2[0-3]):(?:00|15|30|45)$|^24:00$/,
    'write a quarter of an hour such as "09:00" or "17:45"',
  )
  .transform((text) => Number(text.slice(0, 2)) * 60 + Number(text.slice(3)));

const OpenHoursBlock = z
  .strictObject({
    days: z
      .array(z.enum(dayNames, `a day is one of ${dayNames.join(", ")}`), "list the days")
      .min(1, "name at least one day")
      .max(dayNames.length),
    from: timeOfDay.refine((minute) => minute < minutesOfDay, { message: "a day begins at 00:00" }),
    to: timeOfDay,
  })
  .transform(({ days, from, to }) => ({
    days: days.map((day) => dayNames.indexOf(day)),
    fromMinute: from,
    untilMinute: to,
  }));

export const WindowsBlock = z
  .strictObject({
    timezone: timezone.default("UTC"),
    open: z
      .array(OpenHoursBlock, 'list the hours, such as { days: [mon, tue], from: "09:00", to: "17:00" }')
      .min(1, "without open hours nothing would ever be promoted")
      .max(listMax),
  })
  .transform((windows): ChangeWindows => windows);

const when = z
  .string("write a date such as 2026-12-20, or with a time: 2026-12-20T18:00")
  .regex(
    /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d)?$/,
    "write a date such as 2026-12-20, or with a time: 2026-12-20T18:00",
  )
  .transform((text, context) => {
    const wallMs = Date.parse(`${text.length === 10 ? `${text}T00:00` : text}Z`);
    // The parser takes a date such as 31 April for 1 May.
    if (!Number.isNaN(wallMs) && new Date(wallMs).toISOString().startsWith(text)) return wallMs;
    context.addIssue("there is no such date or time");
    return z.NEVER;
  });

const FreezeBlock = z
  .strictObject({
    from: when,
    to: when,
    timezone: timezone.default("UTC"),
    reason: z.string().min(1).max(100).default("a change freeze"),
  })
  .refine(({ from, to }) => from < to, { message: "a freeze ends after it begins", path: ["to"] })
  .transform(
    ({ from, to, timezone: zone, reason }): FreezePeriod => ({
      fromMs: instantOf(from, zone),
      untilMs: instantOf(to, zone),
      reason,
    }),
  );

/** The fields of a secret's block. */
export const termsShape = {
  approve: z
    .enum(["before-promote", "before-revoke"], "approve is before-promote or before-revoke")
    .optional(),
  windows: WindowsBlock.optional(),
  classification: z.literal("restricted", "classification is restricted, or is left out").optional(),
  readers: z
    .array(
      z
        .string()
        .regex(/^arn:aws[a-z-]*:iam::\d{12}:(?:role|user)\/.{1,512}$/, "give the ARN of a role or user"),
    )
    .max(50)
    .optional(),
  readHours: WindowsBlock.optional(),
  freeze: z.array(FreezeBlock, "list the periods, each with from and to").max(listMax).optional(),
  after: z
    .string("name a secret as <environment>/<name>")
    .regex(/^[\w-]{1,64}\/[\w.-]{1,64}$/, "name a secret as <environment>/<name>")
    .optional(),
};

export type Terms = z.output<z.ZodObject<typeof termsShape>>;

/** As a policy has them: absent where the file says nothing. */
export function termsOf(terms: Terms) {
  const { approve, windows, freeze, after, classification, readers, readHours } = terms;
  return {
    ...(classification !== undefined && { classification }),
    ...(readers !== undefined && { readers }),
    ...(readHours !== undefined && { readHours }),
    ...(approve !== undefined && { approve }),
    ...(windows !== undefined && { windows }),
    ...(freeze !== undefined && { freeze }),
    ...(after !== undefined && { after }),
  };
}

/**
 * Whether this is a zone of the IANA database, written as AWS takes it: JavaScript also takes another case, and
 * offsets such as +02:00.
 */
export function isTimeZone(zone: string): boolean {
  return zone === zoneNamed(zone);
}

/** The zone with its right case; undefined if there is none. Of an older name such as US/Pacific the case is not known. */
export function zoneNamed(zone: string): string | undefined {
  if (!/^[A-Za-z][\w+-]*(?:\/[\w+-]+)*$/.test(zone)) return undefined;
  try {
    const { timeZone } = new Intl.DateTimeFormat("en", { timeZone: zone }).resolvedOptions();
    if (timeZone.toLowerCase() === zone.toLowerCase()) return timeZone;
    return /^[A-Z]/.test(zone) ? zone : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
