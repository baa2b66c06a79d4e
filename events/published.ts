import * as z from "zod";

const secretArn = z.string().max(2_048);
const rotationId = z.string().max(80);
const keyId = z.string();
const versionId = z.string();
const incidentId = z.string();
const reason = z.string();
const time = z.number().int();

/** What every message to people holds, as it is copied to the bus. */
const message = z.strictObject({
  incidentId,
  reason,
  severity: z.enum(["page", "notify"]),
  title: z.string(),
  why: z.string(),
  steps: z.array(z.string()),
  runbook: z.string(),
  links: z.array(z.string()),
  test: z.boolean(),
  secretArns: z.array(secretArn),
  provider: z.string().optional(),
  keyId: keyId.optional(),
  deadlineAtMs: time,
});

/**
 * The events on Rekey's own bus, with source `rekey`: anybody's EventBridge rule may listen to them. Delivery is at
 * least once and unordered. Fields are only ever added. docs/events.md is made of this.
 */
export const published = {
  SecretVersionPromoted: {
    when: "the incoming key is promoted: whoever reads the secret now gets it",
    detail: z.strictObject({ secretArn, rotationId, versionId, fingerprint: z.string() }),
  },
  RotationSucceeded: {
    when: "the retiring key was seen dead, and the rotation is over",
    detail: z.strictObject({
      ...{ secretArn, rotationId, versionId },
      ...{ retiringKeyId: keyId, incomingKeyId: keyId },
    }),
  },
  RotationRetained: {
    when: "everybody uses the incoming key, and the retiring key stays alive because its policy says so (`retain`)",
    detail: z.strictObject({
      ...{ secretArn, rotationId, versionId },
      ...{ retiringKeyId: keyId, incomingKeyId: keyId },
    }),
  },
  RotationRolledBack: {
    when: "a rotation failed before its promotion: the secret is as it was",
    detail: z.strictObject({ secretArn, rotationId, reason }),
  },
  RotationNeedsHuman: {
    when: "a rotation ended with work that is still owed",
    detail: z.strictObject({ secretArn, rotationId, reason }),
  },
  RotationNotice: {
    when: "people were told what an ordinary rotation needs: a copy of the message",
    detail: message,
  },
  KeyWanted: {
    when: "a person has to make a key and supply it",
    detail: z.strictObject({ secretArn, rotationId, command: z.string() }),
  },
  PromotionWaits: {
    when: "a promotion waits, once per reason: an approval, a window, a freeze, another secret, a hold or a stop",
    detail: z.strictObject({ secretArn, rotationId, reasons: z.array(z.string()) }),
  },
  ConsumerTask: {
    when: "the owner of a consumer has to switch it by hand",
    detail: z.strictObject({
      ...{
        secretArn,
        rotationId,
        versionId,
        consumer: z.string(),
        environment: z.string(),
        owner: z.string(),
      },
      ...{ task: z.string(), deadline: z.iso.datetime(), afterwards: z.string() },
    }),
  },
  RefreshFailed: {
    when: "a consumer could not be made to pick up the incoming key",
    detail: z.strictObject({ secretArn, rotationId, failed: z.array(z.string()) }),
  },
  QuarantineUndone: {
    when: "a disabled key works again, because somebody still needed it",
    detail: z.strictObject({ secretArn, rotationId, keyId }),
  },
  CopyRefused: {
    when: "a destination takes no copy of the incoming key: the retiring key stays alive, and the write is tried again",
    detail: z.strictObject({ secretArn, destination: z.string(), name: z.string(), reason }),
  },
  CopyAstray: {
    when: "the sweep found a copy that was changed outside Rekey, or an older deployment that serves again",
    detail: z.strictObject({ secretArn, destination: z.string(), name: z.string(), reason }),
  },
  SpentKeyIsCurrent: {
    when: "the current version holds a key that was retired: the secret is frozen",
    detail: z.strictObject({
      ...{ secretArn, reason },
      ...{ rotationId: rotationId.optional(), keyId: keyId.optional(), versionId: versionId.optional() },
    }),
  },
  CurrentKeyMoved: {
    when: "the current version was changed outside Rekey during a rotation: the secret is frozen",
    detail: z.strictObject({ secretArn, reason, rotationId, keyId }),
  },
  IncidentOpened: {
    when: "a key leaked, and the plan is made",
    detail: z.strictObject({
      ...{ incidentId, plan: z.string(), planWhy: z.string(), matchedBy: z.string() },
      ...{ keyIds: z.array(keyId), secretArns: z.array(secretArn) },
    }),
  },
  IncidentPage: { when: "people were paged about an incident: a copy of the page", detail: message },
  IncidentContained: {
    when: "every key of the incident was seen dead or waived",
    detail: z.strictObject({ incidentId, keyIds: z.array(keyId), atMs: time }),
  },
  IncidentClosed: {
    when: "the incident is over",
    detail: z.strictObject({ incidentId, status: z.string() }),
  },
} as const satisfies Readonly<Record<string, { readonly when: string; readonly detail: z.ZodObject }>>;

export type PublishedType = keyof typeof published;

/** docs/events.md. */
export function eventsPage(): string {
  return `# Events

This page is generated from \`events/published.ts\`: change that, then run \`npm run docs:events\`.

Rekey publishes these events on its own bus (output \`BusName\`), with the source \`rekey\`. Any EventBridge rule of yours may
listen. Each may arrive twice and in any order; none holds key material. \`resources\` names the secret where there is one.

\`\`\`json
{ "source": ["rekey"], "detail-type": ["RotationNeedsHuman", "KeyWanted"] }
\`\`\`

${Object.entries(published).map(section).join("\n")}`;
}

function section([type, { when, detail }]: [
  string,
  { readonly when: string; readonly detail: z.ZodType },
]): string {
  const { properties = {}, required = [] } = z.toJSONSchema(detail);
  const rows = Object.entries(properties).map(
    ([field, schema]) =>
      `| \`${field}\` | ${typeText(schema)} | ${required.includes(field) ? "yes" : "no"} |`,
  );
  return `## ${type}\n\n${when[0]?.toUpperCase()}${when.slice(1)}.\n\n| field | is | always there |\n|---|---|---|\n${rows.join("\n")}\n`;
}

type Schema = z.core.JSONSchema._JSONSchema;

function typeText(schema: Schema): string {
  if (typeof schema === "boolean") return "anything";
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(" or ");
  if (schema.type === "array") return "a list of texts";
  if (schema.type === "integer") return "milliseconds since 1970";
  if (schema.format === "date-time") return "a time, as in RFC 3339";
  return schema.type === "boolean" ? "true or false" : "a text";
}
