import * as z from "zod";
import { whyNotCron } from "../../core/cron.ts";
import { parseDuration } from "../../core/duration.ts";
import { rateExpression } from "../../core/schedule.ts";
import { isTimeZone, zoneNamed } from "./terms.ts";

/** When a secret rotates by itself: an expression for EventBridge Scheduler, or never. */
export type When = "manual" | { readonly expression: string; readonly timezone?: string };

const forms = 'write `manual`, or one of every: 30d, cron: "0 3 1 * ? *" and at: 2027-01-31T03:00:00';
const fields: readonly string[] = ["every", "cron", "at", "timezone"];

/** For editors: the same forms, as far as a JSON Schema can say them. */
export const whenJsonSchema = {
  anyOf: [
    { const: "manual" },
    formOf({ every: { type: "string", pattern: "^\\d{1,9}[smhd]$" } }),
    formOf({ cron: { type: "string" }, timezone: { type: "string" } }),
    formOf({ at: { type: "string" }, timezone: { type: "string" } }),
  ],
};

function formOf(properties: Readonly<Record<string, unknown>>) {
  const required = Object.keys(properties).slice(0, 1);
  return { type: "object", properties, required, additionalProperties: false };
}

interface Issues {
  addIssue(issue: { readonly code: "custom"; readonly path: string[]; readonly message: string }): void;
}

/** Reads `rotate`. Mistakes go to `issues`. */
export function whenOf(value: unknown, issues: Issues): When {
  const refuse = (message: string, field?: string): never => {
    issues.addIssue({ code: "custom", path: field === undefined ? [] : [field], message });
    return z.NEVER;
  };
  if (value === "manual") return "manual";
  if (typeof value !== "object" || value === null || Array.isArray(value)) return refuse(forms);
  const block = new Map<string, unknown>(Object.entries(value));
  const unknown = [...block.keys()].find((field) => !fields.includes(field));
  if (unknown !== undefined) return refuse(`unknown field: ${forms}`, unknown);
  const given = ["every", "cron", "at"].filter((field) => block.has(field));
  const [kind] = given;
  if (kind === undefined || given.length > 1) return refuse(forms);

  const zone = block.get("timezone");
  if (zone !== undefined && (typeof zone !== "string" || !isTimeZone(zone))) {
    const meant = typeof zone === "string" ? zoneNamed(zone) : undefined;
    const hint = meant === undefined ? "" : `: did you mean ${meant}?`;
    return refuse(`write a time zone such as Europe/Berlin, as AWS spells it${hint}`, "timezone");
  }
  const answer = readers[kind as keyof typeof readers](String(block.get(kind)));
  if ("why" in answer) return refuse(answer.why, kind);
  if (zone === undefined) return { expression: answer.expression };
  if (kind === "every" || answer.isUtc) return refuse("a time zone means nothing here", "timezone");
  return { expression: answer.expression, timezone: zone };
}

type Reading = { readonly expression: string; readonly isUtc?: boolean } | { readonly why: string };

const readers = {
  every(text: string): Reading {
    const expression = rateExpression(parseDuration(text) ?? 0);
    return expression === undefined
      ? { why: "write whole minutes, hours or days such as 30d: a schedule knows no seconds" }
      : { expression };
  },

  cron(text: string): Reading {
    const why = whyNotCron(text);
    return why === undefined ? { expression: `cron(${text})` } : { why };
  },

  at(text: string): Reading {
    const why = "write a date and time such as 2027-01-31T03:00:00, or with Z or an offset behind it";
    const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d)(:\d\d)?(Z|[+-]\d\d:\d\d)?$/.exec(text);
    if (match === null) return { why };
    const [, day = "", minute = "", seconds = ":00", offset] = match;
    const instant = Date.parse(`${day}T${minute}${seconds}${offset ?? "Z"}`);
    if (Number.isNaN(instant)) return { why };
    const utc = new Date(instant).toISOString();
    // The parser takes a date such as 31 April for 1 May.
    if (offset === undefined && !utc.startsWith(day)) return { why };
    return { expression: `at(${utc.slice(0, 19)})`, ...(offset !== undefined && { isUtc: true }) };
  },
};
