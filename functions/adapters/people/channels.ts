import { PublishCommand, type SNSClient } from "@aws-sdk/client-sns";
import { refusalOf } from "../../../audit/refusals.ts";
import { ProviderThrottled, ProviderUnavailable } from "../../../core/errors.ts";
import type { EventBus } from "../../../core/ports.ts";
import { utcText } from "../../../core/utc.ts";
import { slackAction } from "../../../events/intake/acknowledgements.ts";
import type { Http, HttpReply } from "../../../providers/http.ts";
import type { AdminCredential } from "../../../providers/provider.ts";
import type { Page } from "../../deps.ts";
import type { Channel } from "./escalation.ts";

export const pagerdutyHost = "events.pagerduty.com";
export const slackHost = "hooks.slack.com";

const httpTimeoutMs = 4_000;
const subjectLengthMax = 100;
const summaryLengthMax = 1_024;
/** PagerDuty Events v2, dedup_key. */
const alertKeyLengthMax = 255;
/** Slack cuts a section at 3,000 characters and refuses a message past 50 blocks. */
const slackTextMax = 2_900;

/** What every channel shows of a page. */
export interface Shown {
  readonly title: string;
  readonly lines: readonly string[];
  readonly steps: readonly string[];
  readonly links: readonly string[];
}

export function shownOf(page: Page, docsUrl: string): Shown {
  const { title, why, steps, links, about, incidentId, test } = page;
  return {
    title: `${test ? "[TEST] " : ""}${title}`,
    lines: [
      why,
      // An order that one person gives alone may be about no incident, and its clock is no deadline.
      ...(page.reason === "alone" || page.reason === "rotation"
        ? []
        : [`incident ${incidentId}, deadline ${utcText(about.deadlineAtMs)}`]),
      ...(about.keyId === undefined
        ? []
        : [`key ${about.keyId}${about.provider ? ` at ${about.provider}` : ""}`]),
      ...(about.secretArns.length === 0 ? [] : [`secrets: ${about.secretArns.join(", ")}`]),
    ],
    steps,
    links: [...new Set([...links, linkTo(page.runbook, docsUrl)])],
  };
}

/** `docsUrl` is where docs/ can be read. Without it, the path in the repository is shown. */
function linkTo(path: string, docsUrl: string): string {
  return docsUrl === "" ? path : `${docsUrl.replace(/\/$/, "")}/${path.replace(/^docs\//, "")}`;
}

/** Amazon SNS: mail, SMS, chat and other tools can subscribe to it. */
export function snsChannel(
  client: Pick<SNSClient, "send">,
  { topicArn, docsUrl }: { readonly topicArn: string; readonly docsUrl: string },
): Channel {
  return {
    name: "sns",
    takes: "everything",
    async send(page) {
      const command = new PublishCommand({
        TopicArn: topicArn,
        Subject: subjectOf(shownOf(page, docsUrl).title),
        Message: plainText(shownOf(page, docsUrl)),
        MessageAttributes: Object.fromEntries(
          Object.entries({
            incidentId: page.incidentId,
            reason: page.reason,
            severity: page.severity,
            test: String(page.test),
          }).map(([name, StringValue]) => [name, { DataType: "String", StringValue }]),
        ),
      });
      await client.send(command).catch((error: unknown) => {
        throw refusalOf(error, { place: topicArn, operation: "sns:Publish" });
      });
    },
  };
}

/** The subject of an SNS message may contain printable ASCII only. */
function subjectOf(title: string): string {
  return `Rekey: ${title}`.replace(/[^\x20-\x7e]/g, "?").slice(0, subjectLengthMax);
}

/**
 * PagerDuty Events v2. A test resolves an alert that does not exist: that tests key, host and path, and pages
 * nobody.
 */
export function pagerdutyChannel(options: {
  readonly http: Http;
  readonly routingKey: AdminCredential;
  readonly environment: string;
  readonly docsUrl: string;
}): Channel {
  const { http, routingKey, environment, docsUrl } = options;
  return {
    name: "pagerduty",
    takes: "pages",
    async send(page) {
      const key = (await routingKey.get()).reveal().trim();
      const shown = shownOf(page, docsUrl);
      const event = page.test
        ? { event_action: "resolve" }
        : {
            event_action: "trigger",
            payload: payloadOf({ page, shown, environment }),
            links: httpsLinks(shown),
          };
      const reply = await http.send({
        method: "POST",
        url: `https://${pagerdutyHost}/v2/enqueue`,
        headers: {},
        body: { routing_key: key, dedup_key: alertKey(page), ...event },
        timeoutMs: httpTimeoutMs,
      });
      refuse("PagerDuty", { reply, credential: routingKey });
    },
  };
}

/**
 * A repeat of one page is one alert. Another cause makes another alert, which also pages people who have
 * acknowledged the first.
 */
function alertKey({ incidentId, reason, why }: Page): string {
  return `${incidentId}/${reason}/${why}`.slice(0, alertKeyLengthMax);
}

function payloadOf({ page, shown, environment }: { page: Page; shown: Shown; environment: string }) {
  return {
    summary: shown.title.slice(0, summaryLengthMax),
    source: `rekey/${environment}`,
    severity: page.severity === "page" ? "critical" : "warning",
    component: page.about.secretArns[0] ?? page.about.provider ?? "rekey",
    class: page.reason,
    custom_details: { facts: shown.lines, steps: shown.steps, links: shown.links },
  };
}

function httpsLinks({ links }: Shown) {
  return links.filter((link) => link.startsWith("https://")).map((href) => ({ href, text: href }));
}

/** A Slack incoming webhook. Its whole address is the secret; the host is checked before anything is sent. */
export function slackChannel(options: {
  readonly http: Http;
  readonly webhook: AdminCredential;
  readonly docsUrl: string;
}): Channel {
  const { http, webhook, docsUrl } = options;
  return {
    name: "slack",
    takes: "everything",
    async send(page) {
      const url = (await webhook.get()).reveal().trim();
      const shown = shownOf(page, docsUrl);
      const text = slackText(plainText(shown)).slice(0, slackTextMax);
      const body = {
        text: slackText(shown.title),
        blocks: [
          { type: "header", text: { type: "plain_text", text: shown.title.slice(0, 150) } },
          { type: "section", text: { type: "mrkdwn", text } },
          ...acknowledgeButton(page),
        ],
      };
      const reply = await http.send({ method: "POST", url, headers: {}, body, timeoutMs: httpTimeoutMs });
      refuse("Slack", { reply, credential: webhook });
    },
  };
}

/** Only incidents can be acknowledged. The button carries the incident and nothing that would be worth forging. */
function acknowledgeButton({ incidentId, severity }: Page) {
  if (severity !== "page" || !incidentId.startsWith("i-")) return [];
  const text = { type: "plain_text", text: "Acknowledge" };
  return [
    { type: "actions", elements: [{ type: "button", action_id: slackAction, text, value: incidentId }] },
  ];
}

/** Slack turns <…> into links and mentions: no name may contain one. */
function slackText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** Rekey's own bus, for consoles and for people's own rules. It pages nobody. */
export function busChannel(bus: EventBus): Channel {
  return {
    name: "bus",
    takes: "copies",
    async send({ about, ...page }) {
      const type = page.reason === "rotation" ? "RotationNotice" : "IncidentPage";
      await bus.publish({ type, detail: { ...page, ...about } });
    },
  };
}

function plainText({ title, lines, steps, links }: Shown): string {
  const numbered = steps.map((step, index) => `${index + 1}. ${step}`);
  const parts = [[title], lines, ["What to do:", ...numbered], links];
  return parts
    .filter((part) => part.length > 0)
    .map((part) => part.join("\n"))
    .join("\n\n");
}

/** Only the status is used: the reply may quote what was sent. */
function refuse(
  name: string,
  { reply, credential }: { readonly reply: HttpReply; readonly credential: AdminCredential },
): void {
  const { status, headers } = reply;
  if (status >= 200 && status < 300) return;
  if (status === 429) {
    const seconds = Number(headers["retry-after"]);
    throw new ProviderThrottled(`${name} asked for patience`, {
      ...(Number.isFinite(seconds) && { retryAfterMs: seconds * 1000 }),
    });
  }
  if (status >= 500) throw new ProviderUnavailable(`${name} answered ${status}`);
  // The credential may have been replaced since it was read, so the next try reads it again. PagerDuty
  // answers 400 in that case.
  credential.refused();
  throw new ProviderUnavailable(`${name} refused its credential or the page with ${status}`);
}
