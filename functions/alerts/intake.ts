import * as z from "zod";
import { appendToIntake } from "../../audit/intake-log.ts";
import { InputInvalid, RotationError } from "../../core/errors.ts";
import type { Secret } from "../../core/secret.ts";
import type { Alert, AlertOutcome } from "../../events/alert.ts";
import {
  type IntakeSource,
  type RawRequest,
  type Refusal,
  rawRequestOf,
} from "../../events/intake/edge/source.ts";
import { intakeSources } from "../../events/intake/index.ts";
import { readAlerts, readFetched } from "../../providers/read-alerts.ts";
import type { IntakeDeps } from "../deps.ts";
import type { Handler } from "../step.ts";
import { intakeWiring } from "../wiring/alerts.ts";
import { ackChannelAt, receiveAck } from "./receive-ack.ts";

/** A function URL accepts 6 MB, and base64 makes four characters of three bytes. */
const bodyCharactersMax = 8 * 1024 * 1024;
/** How wrong a sender's clock may be, either way (T1). */
const toleranceMs = 15 * 60_000;
/**
 * A request is remembered for longer than its signature is valid. If no time is signed, only a new signing
 * secret ends that, so such a secret has to be replaced at least once a year.
 */
const rememberedMs = { timed: 24 * 3_600_000, untimed: 400 * 24 * 3_600_000 } as const;

const UrlRequest = z.object({
  rawPath: z.string(),
  headers: z.record(z.string(), z.string()).default({}),
  body: z.string().nullish(),
  isBase64Encoded: z.boolean().default(false),
  requestContext: z.object({
    requestId: z.string().min(1).max(128),
    http: z.object({ method: z.string(), sourceIp: z.string().max(64) }),
  }),
});
type UrlRequest = z.output<typeof UrlRequest>;

export interface UrlAnswer {
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export const handler: Handler = (event) => answer(event, intakeWiring());

/** One HTTPS request of a source that noticed a leak. Always answers, and never shows internal errors. */
export async function answer(event: unknown, deps: IntakeDeps): Promise<UrlAnswer> {
  const startedMs = deps.clock.nowMs();
  const parsed = UrlRequest.safeParse(event);
  if (!parsed.success) return { statusCode: 400 };
  const said = await receive(parsed.data, deps).catch((error: unknown) => failed(error));
  const { answer: reply, ...line } = said;
  deps.log({ step: "intake", ...line, status: reply.statusCode, tookMs: deps.clock.nowMs() - startedMs });
  return reply;
}

interface Said {
  readonly answer: UrlAnswer;
  readonly outcome: string;
  readonly source?: string;
  readonly reason?: string;
}

/** If the bus or the table is down, the sender can help by sending again; for other failures it cannot. */
function failed(error: unknown): Said {
  const name = error instanceof Error ? error.name : "unknown";
  const statusCode = error instanceof RotationError && error.retry === "later" ? 503 : 500;
  return { answer: { statusCode }, outcome: "failed", reason: name };
}

async function receive(request: UrlRequest, deps: IntakeDeps): Promise<Said> {
  const channel = ackChannelAt(request.rawPath);
  if (channel !== undefined) return receiveAck(request, channel, deps);
  const source = sourceAt(request.rawPath);
  const arrived = { request, source, receivedAtMs: deps.clock.nowMs() };
  if (source === undefined) return refuse({ ...arrived, reason: "UnknownSource", statusCode: 403 }, deps);
  if (request.requestContext.http.method !== "POST") {
    return refuse({ ...arrived, reason: "MethodNotAllowed", statusCode: 405 }, deps);
  }
  if ((request.body?.length ?? 0) > bodyCharactersMax) {
    return refuse({ ...arrived, reason: "BodyTooLarge", statusCode: 413 }, deps);
  }
  const raw = rawRequestOf({ ...request, body: request.body ?? null });
  const refusal = await whyNotTrusted({ raw, source, nowMs: arrived.receivedAtMs }, deps);
  if (refusal) return refuse({ ...arrived, reason: refusal.reason, statusCode: statusOf(refusal) }, deps);
  return accept({ ...arrived, source, raw }, deps);
}

function sourceAt(path: string): IntakeSource | undefined {
  const name = /^\/intake\/([a-z]{1,32})\/?$/.exec(path)?.[1];
  return name === undefined ? undefined : intakeSources.get(name);
}

interface Arrived {
  readonly request: UrlRequest;
  readonly source: IntakeSource | undefined;
  readonly receivedAtMs: number;
}

// ---- who sent it -----------------------------------------------------------------------------------------

interface Checked {
  readonly raw: RawRequest;
  readonly source: IntakeSource;
  readonly nowMs: number;
}

/** Checked on the raw bytes, before anything parses them. */
async function whyNotTrusted(checked: Checked, deps: IntakeDeps): Promise<Refusal | undefined> {
  const refusal = refusalBy(await deps.signing.of(checked.source.name), checked);
  if (refusal?.reason !== "SignatureWrong") return refusal;
  return refusalBy(await deps.signing.afresh(checked.source.name), checked);
}

/** Undefined if any version of the secret signed it; else the refusal by the first version. */
function refusalBy(secrets: readonly Secret[], { raw, source, nowMs }: Checked): Refusal | undefined {
  const refusals: Refusal[] = [];
  for (const secret of secrets) {
    const refusal = source.verify(raw, { secret, nowMs, toleranceMs });
    if (refusal === undefined) return undefined;
    refusals.push(refusal);
  }
  return refusals[0] ?? { reason: "SecretMissing", detail: "no signing secret is configured" };
}

function statusOf({ reason }: Refusal): number {
  if (reason === "BodyTooLarge") return 413;
  return reason === "HeaderMissing" || reason === "SignatureMalformed" ? 401 : 403;
}

/** The sender gets the status and nothing else. The reason is for the owner of this intake. */
async function refuse(
  refused: Arrived & { readonly reason: string; readonly statusCode: number },
  deps: IntakeDeps,
): Promise<Said> {
  const { reason, statusCode } = refused;
  const refusals = deps.countRefusal(`${refused.source?.name} ${reason}`);
  if (refusals !== undefined) {
    await note(refused, { action: "AlertRefused", detail: { reason, refusals } }, deps);
  }
  const answer = statusCode === 405 ? { statusCode, headers: { allow: "POST" } } : { statusCode };
  return { answer, outcome: "refused", reason, ...named(refused.source) };
}

/** Each finding is an event on the bus, and all of them have to be there before the answer. */
const findingsMax = 1_000;
const tooManyFindings = new InputInvalid(
  `the request has more than ${findingsMax} findings: split it and send each part`,
);

/** A sender whose signature is right is told what is wrong. The message never quotes the report. */
async function refuseTrusted(trusted: Trusted, { message }: InputInvalid, deps: IntakeDeps): Promise<Said> {
  const refused = await refuse({ ...trusted, reason: "Unreadable", statusCode: 400 }, deps);
  const body = JSON.stringify({ outcome: "refused", detail: message });
  return { ...refused, answer: { ...refused.answer, body } };
}

// ---- what it says ----------------------------------------------------------------------------------------

interface Trusted extends Arrived {
  readonly source: IntakeSource;
  readonly raw: RawRequest;
}

/** Remembered only after the bus has accepted it, so that a sender whose request was lost half-way may repeat it. */
async function accept(trusted: Trusted, deps: IntakeDeps): Promise<Said> {
  const { source, raw } = trusted;
  const keys = source.replayKeys(raw);
  const seen = await seenBefore(keys, deps);
  if (keys.length === 0 || seen === "read") {
    return refuse({ ...trusted, reason: "Replayed", statusCode: 409 }, deps);
  }
  const outcome = await outcomeIn(trusted, deps);
  if (outcome instanceof InputInvalid) return refuseTrusted(trusted, outcome, deps);
  if (outcome.start.length + outcome.append.length > findingsMax) {
    return refuseTrusted(trusted, tooManyFindings, deps);
  }
  // A repeat is accepted only if it lets us read what the first request could not: otherwise a captured request
  // could be repeated forever.
  if (seen === "pointed" && outcome.read === "pointed") {
    return refuse({ ...trusted, reason: "Replayed", statusCode: 409 }, deps);
  }

  const { start, append, ignored } = outcome;
  const facts = { intake: source.name, receivedAtMs: trusted.receivedAtMs };
  await deps.alerts.publish([
    ...start.map((alert) => ({ ...facts, alert, kind: "start" as const })),
    ...append.map((alert) => ({ ...facts, alert, kind: "append" as const })),
  ]);
  await remember(keys, { ...trusted, read: outcome.read }, deps);
  const { hidden } = outcome;
  const counts = {
    ...{ started: start.length, appended: append.length, ignored: ignored.length },
    ...(hidden !== undefined && { hidden }),
  };
  await note(trusted, { action: "AlertAccepted", detail: counts }, deps);
  const tests = start.filter(({ test }) => test === true).length;
  const notes = [
    ...(hidden === undefined ? [] : [keysHidden(hidden)]),
    ...(tests === 0 ? [] : [testsSaid(tests)]),
  ];
  const said = notes.length === 0 ? {} : { note: notes.join("; ") };
  const body = JSON.stringify({ outcome: "accepted", ...counts, ...said });
  return { answer: { statusCode: 202, body }, outcome: "accepted", ...named(source), ...counts };
}

function keysHidden(texts: number): string {
  const held = texts === 1 ? "1 text held a key" : `${texts} texts held a key`;
  return `${held}: only the beginning of its fingerprint is kept there`;
}

function testsSaid(tests: number): string {
  const marked = tests === 1 ? "1 alert is marked as a test" : `${tests} alerts are marked as tests`;
  return `${marked}: one that names a real key opens no incident and warns the people on call`;
}

/** `pointed`: the alert names only a place, because what it refers to could not be read in time. */
type Read = "read" | "pointed";

/** InputInvalid if the body is not this source's format: correctly signed, but cut off or of another version. */
async function outcomeIn(
  { source, raw }: Trusted,
  deps: IntakeDeps,
): Promise<(AlertOutcome & { readonly read: Read }) | InputInvalid> {
  const outcome = orInvalid(() => readAlerts(source, raw));
  if (outcome instanceof InputInvalid) return outcome;
  const url = outcome.start.length === 0 ? undefined : source.fetchUrl?.(raw.body, deps.pointed);
  if (url === undefined) return { ...outcome, read: "read" };
  const bytes = await deps.pointed.read(url);
  const exact = bytes === undefined ? undefined : fetched(source, { alerts: outcome.start, bytes });
  if (exact === undefined || exact instanceof InputInvalid) return { ...outcome, read: "pointed" };
  const isPlace = exact.start.some(({ identity }) => identity.kind === "location");
  return { ...joined({ ...outcome, start: [] }, exact), read: isPlace ? "pointed" : "read" };
}

/**
 * If it cannot be read, the alerts are used as they were pushed, since a place is better than
 * nothing.
 */
function fetched(
  source: IntakeSource,
  { alerts, bytes }: { readonly alerts: readonly Alert[]; readonly bytes: Uint8Array },
): AlertOutcome | InputInvalid {
  return orInvalid(() => alerts.map((alert) => readFetched(source, alert, bytes)).reduce(joined, nothing));
}

const nothing: AlertOutcome = { start: [], append: [], ignored: [] };

function joined(left: AlertOutcome, right: AlertOutcome): AlertOutcome {
  const hidden = (left.hidden ?? 0) + (right.hidden ?? 0);
  return {
    start: [...left.start, ...right.start],
    append: [...left.append, ...right.append],
    ignored: [...left.ignored, ...right.ignored],
    ...(hidden > 0 && { hidden }),
  };
}

function orInvalid<Result>(read: () => Result): Result | InputInvalid {
  try {
    return read();
  } catch (error) {
    if (error instanceof InputInvalid) return error;
    throw error;
  }
}

// ---- what is remembered ----------------------------------------------------------------------------------

const replayKey = (key: string) => ({ kind: "REPLAY", id: key, sort: "seen" });

interface Seen {
  readonly source: string;
  readonly receivedAtMs: number;
  readonly read: Read;
}

/** A record counts even after its time: nobody knows when the table deletes it. */
async function seenBefore(keys: readonly string[], deps: IntakeDeps): Promise<Read | undefined> {
  const seen = await Promise.all(keys.map((key) => deps.ledger.documents.read<Seen>(replayKey(key))));
  const known = seen.filter((entry) => entry !== undefined);
  if (known.length === 0) return undefined;
  return known.every(({ read }) => read === "pointed") ? "pointed" : "read";
}

async function remember(
  keys: readonly string[],
  { source, receivedAtMs, read }: Trusted & { readonly read: Read },
  deps: IntakeDeps,
) {
  const entry: Seen = { source: source.name, receivedAtMs, read };
  const forgetAtMs = receivedAtMs + (source.signsTime ? rememberedMs.timed : rememberedMs.untimed);
  const keep = (seen: Seen | undefined) => (seen === undefined || seen.read === "pointed" ? entry : seen);
  await Promise.all(
    keys.map((key) => deps.ledger.documents.change<Seen>(replayKey(key), keep, { forgetAtMs })),
  );
}

type Detail = Readonly<Record<string, string | number | boolean>>;

/**
 * Writes one request to the audit log. A failure here must neither stop an alert nor turn a refusal into a
 * server error: then the function's own log has to do.
 */
async function note(
  { request, source, receivedAtMs }: Arrived,
  { action, detail }: { readonly action: string; readonly detail: Detail },
  deps: IntakeDeps,
): Promise<void> {
  const { requestId, http } = request.requestContext;
  const from = { source: source?.name ?? "unknown", sourceIp: http.sourceIp };
  try {
    await appendToIntake(deps.audit, {
      id: `${action}/${requestId}`,
      atMs: receivedAtMs,
      actor: `intake/${from.source}`,
      action,
      detail: { ...from, ...detail },
    });
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    deps.log({ step: "intake", outcome: "notAudited", action, error: error.name, ...from });
  }
}

function named(source: IntakeSource | undefined): { readonly source?: string } {
  return source === undefined ? {} : { source: source.name };
}
