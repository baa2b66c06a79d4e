import { appendToIntake } from "../../audit/intake-log.ts";
import { RotationError } from "../../core/errors.ts";
import type { Acknowledgement } from "../../events/acknowledgement.ts";
import { type AckChannel, ackReaders } from "../../events/intake/acknowledgements.ts";
import { type RawRequest, type Refusal, rawRequestOf } from "../../events/intake/edge/source.ts";
import type { IntakeDeps } from "../deps.ts";
import type { AckRequest, AckSaid } from "./ack-request.ts";

/** PagerDuty repeats for 48 hours what it believes to be lost. */
const rememberedMs = 72 * 3_600_000;

export function ackChannelAt(path: string): AckChannel | undefined {
  const name = /^\/intake\/(slack|pagerduty)\/?$/.exec(path)?.[1];
  return name === "slack" || name === "pagerduty" ? name : undefined;
}

/** A person acknowledged a page where it reached them. The record is changed by the function behind the alert bus. */
export async function receiveAck(
  request: AckRequest,
  channel: AckChannel,
  deps: IntakeDeps,
): Promise<AckSaid> {
  if (request.requestContext.http.method !== "POST") return refused(channel, "MethodNotAllowed", 405);
  const raw = rawRequestOf({ ...request, body: request.body ?? null });
  const nowMs = deps.clock.nowMs();
  const refusal = await whyNotTrusted(raw, { channel, nowMs }, deps);
  if (typeof refusal === "object" && "reason" in refusal) {
    deps.countRefusal(`${channel} ${refusal.reason}`);
    return refused(channel, refusal.reason, refusal.reason === "BodyTooLarge" ? 413 : 403);
  }
  const reader = ackReaders[channel];
  const ack = reader.read(raw, refusal);
  // The sender is right, and what it says is not for us: it must not send it again.
  if (ack === undefined) return told(channel, "ignored", "nothing of Rekey's to acknowledge");
  if (typeof ack === "string") {
    await note({ request, channel, action: "AcknowledgementRefused", detail: { why: ack } }, deps);
    return told(channel, "refused", `not acknowledged: ${ack}`);
  }
  const key = { kind: "REPLAY", id: reader.replayKey(raw), sort: "seen" };
  if ((await deps.ledger.documents.read(key)) !== undefined)
    return told(channel, "repeated", "acknowledged already");
  await deps.alerts.publishAck(ack);
  const seen = { source: channel, receivedAtMs: nowMs, read: "read" };
  await deps.ledger.documents.change(key, (stored) => stored ?? seen, { forgetAtMs: nowMs + rememberedMs });
  await note({ request, channel, action: "AcknowledgementReceived", detail: detailOf(ack) }, deps);
  return told(channel, "acknowledged", `${ack.incidentId}: acknowledged for ten minutes`);
}

type Trust = Parameters<(typeof ackReaders)["slack"]["verify"]>[1];

async function whyNotTrusted(
  raw: RawRequest,
  { channel, nowMs }: { readonly channel: AckChannel; readonly nowMs: number },
  deps: IntakeDeps,
): Promise<Trust | Refusal> {
  let last: Refusal = { reason: "SecretMissing", detail: "no signing secret is configured" };
  for (const secrets of [deps.signing.of, deps.signing.afresh]) {
    for (const secret of await secrets(channel)) {
      const trust = { secret, nowMs, slackUsers: deps.slackUsers };
      const refusal = ackReaders[channel].verify(raw, trust);
      if (refusal === undefined) return trust;
      last = refusal;
    }
    if (last.reason !== "SignatureWrong") return last;
  }
  return last;
}

function detailOf({ incidentId, by }: Acknowledgement) {
  return { incidentId, by };
}

function refused(source: AckChannel, reason: string, statusCode: number): AckSaid {
  return { answer: { statusCode }, outcome: "refused", reason, source };
}

/** Slack shows the text to whoever pressed the button. */
function told(source: AckChannel, outcome: string, text: string): AckSaid {
  const headers = { "content-type": "application/json" };
  return { answer: { statusCode: 200, headers, body: JSON.stringify({ text }) }, outcome, source };
}

async function note(
  noted: {
    readonly request: AckRequest;
    readonly channel: AckChannel;
    readonly action: string;
    readonly detail: Readonly<Record<string, string>>;
  },
  deps: IntakeDeps,
): Promise<void> {
  const { request, channel, action, detail } = noted;
  const { requestId, http } = request.requestContext;
  try {
    await appendToIntake(deps.audit, {
      id: `${action}/${requestId}`,
      atMs: deps.clock.nowMs(),
      actor: `intake/${channel}`,
      action,
      detail: { source: channel, sourceIp: http.sourceIp, ...detail },
    });
  } catch (error) {
    if (!(error instanceof RotationError)) throw error;
    deps.log({ step: "intake", outcome: "notAudited", action, error: error.name });
  }
}
