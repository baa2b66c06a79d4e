/** Acknowledgements of pages: a button or command in Slack, or an incident acknowledged in PagerDuty. */
import * as z from "zod";
import { jsonOrNothing } from "../../core/json.ts";
import type { Secret } from "../../core/secret.ts";
import type { Acknowledgement } from "../acknowledgement.ts";
import { hmacHex, isSameHex, refusal, sha256Hex, whyNotCheckable, whyNotNow } from "./edge/signature.ts";
import { headerOf, type RawRequest, type Refusal } from "./edge/source.ts";

export type AckChannel = Acknowledgement["channel"];

interface AckTrust {
  readonly secret: Secret;
  readonly nowMs: number;
  /** `<team>/<user>` of those who may acknowledge from Slack. */
  readonly slackUsers: readonly string[];
}

export interface AckReader {
  verify(request: RawRequest, trust: AckTrust): Refusal | undefined;
  /** One id for each acknowledgement: a repeat of it changes nothing. */
  replayKey(request: RawRequest): string;
  /** Undefined if the request acknowledges nothing of ours; a text says why this user may not. */
  read(request: RawRequest, trust: AckTrust): Acknowledgement | string | undefined;
}

const bytesMax = 64 * 1024;
/** Slack's own rule for its signatures; an older one may be somebody's copy. */
export const ackAgeMsMax = 5 * 60_000;

const incidentIdForm = /^i-[\w-]{1,80}$/;

export const ackReaders: Readonly<Record<AckChannel, AckReader>> = {
  slack: { verify: verifySlack, replayKey: slackReplayKey, read: readSlack },
  pagerduty: { verify: verifyPagerduty, replayKey: pagerdutyReplayKey, read: readPagerduty },
};

export const slackAction = "rekey_acknowledge";

// ---- Slack -----------------------------------------------------------------------------------------------

function verifySlack(request: RawRequest, trust: AckTrust): Refusal | undefined {
  const bounds = { ...trust, toleranceMs: ackAgeMsMax, bytesMax };
  const uncheckable = whyNotCheckable(request, bounds);
  if (uncheckable) return uncheckable;
  const stamp = headerOf(request.headers, "x-slack-request-timestamp");
  const given = headerOf(request.headers, "x-slack-signature");
  if (stamp === undefined || given === undefined) return refusal("HeaderMissing", "no signature of Slack");
  const hex = /^v0=([0-9a-f]{64})$/.exec(given)?.[1];
  if (hex === undefined || !/^\d{1,12}$/.test(stamp))
    return refusal("SignatureMalformed", "not v0 and a time");
  const expected = hmacHex(trust.secret.reveal().trim(), [`v0:${stamp}:`, request.body]);
  if (!isSameHex(expected, hex)) return refusal("SignatureWrong", "another secret signed it");
  return whyNotNow(Number(stamp) * 1_000, bounds);
}

function slackReplayKey(request: RawRequest): string {
  return `ack/slack/${sha256Hex(headerOf(request.headers, "x-slack-signature") ?? "")}`;
}

const SlackAction = z.object({
  type: z.literal("block_actions"),
  user: z.object({ id: z.string().max(64) }),
  team: z.object({ id: z.string().max(64) }),
  actions: z.array(z.object({ action_id: z.string(), value: z.string().max(256).optional() })).max(25),
});

function readSlack(
  { body }: RawRequest,
  { nowMs, slackUsers }: AckTrust,
): Acknowledgement | string | undefined {
  const form = new URLSearchParams(Buffer.from(body).toString("utf8"));
  const payload = form.get("payload");
  const said = payload === null ? fromCommand(form) : fromButton(payload);
  if (said === undefined || !incidentIdForm.test(said.incidentId)) return undefined;
  if (!slackUsers.includes(said.user)) return `${said.user} is not in the deployment's slackUsers`;
  return { channel: "slack", incidentId: said.incidentId, by: `slack:${said.user}`, saidAtMs: nowMs };
}

function fromButton(payload: string) {
  const parsed = SlackAction.safeParse(jsonOrNothing(payload));
  const action = parsed.data?.actions.find(({ action_id: id }) => id === slackAction);
  if (!parsed.success || action?.value === undefined) return undefined;
  return { incidentId: action.value, user: `${parsed.data.team.id}/${parsed.data.user.id}` };
}

/** `/rekey-ack INCIDENT` */
function fromCommand(form: URLSearchParams) {
  const [incidentId = "", team, user] = [form.get("text")?.trim(), form.get("team_id"), form.get("user_id")];
  return team === null || user === null ? undefined : { incidentId, user: `${team}/${user}` };
}

// ---- PagerDuty -------------------------------------------------------------------------------------------

/** It signs no time, so each event counts once and at its own time. */
function verifyPagerduty(request: RawRequest, trust: AckTrust): Refusal | undefined {
  const uncheckable = whyNotCheckable(request, { ...trust, toleranceMs: 0, bytesMax });
  if (uncheckable) return uncheckable;
  const header = headerOf(request.headers, "x-pagerduty-signature");
  if (header === undefined) return refusal("HeaderMissing", "no signature of PagerDuty");
  const given = [...header.matchAll(/(?:^|,)\s*v1=([0-9a-f]{64})\s*(?=,|$)/g)].map(([, hex = ""]) => hex);
  if (given.length === 0) return refusal("SignatureMalformed", "no v1 signature");
  const expected = hmacHex(trust.secret.reveal().trim(), [request.body]);
  return given.some((hex) => isSameHex(expected, hex))
    ? undefined
    : refusal("SignatureWrong", "another secret signed it");
}

const PagerdutyEvent = z.object({
  event: z.object({
    id: z.string().min(1).max(64),
    event_type: z.string().max(64),
    occurred_at: z.string().max(40),
    agent: z.object({ id: z.string().max(64), summary: z.string().max(200).optional() }).nullish(),
    data: z.object({ incident_key: z.string().max(255).nullish() }),
  }),
});

function pagerdutyReplayKey({ body }: RawRequest): string {
  const event = PagerdutyEvent.safeParse(jsonOrNothing(Buffer.from(body).toString("utf8")));
  return `ack/pagerduty/${event.data?.event.id ?? sha256Hex(body)}`;
}

/** The key of an alert begins with the incident's id, see the channel that pages. */
function readPagerduty({ body }: RawRequest, { nowMs }: AckTrust): Acknowledgement | string | undefined {
  const parsed = PagerdutyEvent.safeParse(jsonOrNothing(Buffer.from(body).toString("utf8")));
  if (!parsed.success || parsed.data.event.event_type !== "incident.acknowledged") return undefined;
  const { agent, data, occurred_at: occurredAt } = parsed.data.event;
  const [incidentId = ""] = (data.incident_key ?? "").split("/");
  if (!incidentIdForm.test(incidentId)) return undefined;
  // An acknowledgement by automation is nobody's.
  if (agent === null || agent === undefined) return "no person acknowledged it";
  const saidAtMs = Math.min(nowMs, Date.parse(occurredAt) || nowMs);
  return { channel: "pagerduty", incidentId, by: `pagerduty:${agent.id}`, saidAtMs };
}
