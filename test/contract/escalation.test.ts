import type { PublishCommand, SNSClient } from "@aws-sdk/client-sns";
import { ProviderUnavailable } from "../../core/errors.ts";
import type { RekeyEvent } from "../../core/ports.ts";
import { adminCredential } from "../../functions/adapters/admin-credential.ts";
import {
  busChannel,
  pagerdutyChannel,
  slackChannel,
  snsChannel,
} from "../../functions/adapters/people/channels.ts";
import { type Channel, escalator } from "../../functions/adapters/people/escalation.ts";
import { channelsOf } from "../../functions/adapters/people/people.ts";
import type { LogLine, Page } from "../../functions/deps.ts";
import type { Http, HttpReply, HttpRequest } from "../../providers/http.ts";
import { manualOf } from "../../providers/manual.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";

const routingKeyArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:pagerduty-FAKE00";
const webhookArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:slack-FAKE00";
const topicArn = "arn:aws:sns:eu-west-1:111122223333:on-call";
const routingKey = "FAKEroutingkeyFAKEroutingkeyFAKE";
const webhook = "https://hooks.slack.com/services/TFAKE/BFAKE/FAKEwebhook";
/** As docs/deploy.md says: where docs/ can be read. */
const docsUrl = "https://git.example.com/rekey/docs/";

const about: Page["about"] = {
  provider: "openai",
  keyId: "key_FAKE1",
  secretArns: ["arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-FAKE00"],
  deadlineAtMs: Date.parse("2026-11-22T03:16:00Z"),
};
const subject = { incidentId: "i-20261122-1", reason: "notAccepted" } as const;
const page: Page = {
  ...subject,
  severity: "page",
  title: "openai has not accepted the revoke of key_FAKE1",
  why: "the provider answers 500 since 03:01:09Z",
  steps: [
    "rekey incident contain-now i-20261122-1",
    manualOf({ ...about, settings: { project: "proj_FAKE" } }).command ?? "none",
    "rekey incident show i-20261122-1",
  ],
  runbook: "docs/runbooks/revoke-not-accepted.md",
  links: ["https://console.example.com/i-20261122-1"],
  test: false,
  about,
};

/** PagerDuty, Slack and a topic, each of which can be out of order. */
function newWorld() {
  const store = memoryStore();
  store.create(routingKeyArn, `${routingKey}\n`);
  store.create(webhookArn, webhook);
  const requests: HttpRequest[] = [];
  const published: PublishCommand["input"][] = [];
  const logs: LogLine[] = [];
  const pauses: number[] = [];
  const copies: RekeyEvent[] = [];
  let nowMs = 0;
  const world = {
    ...{ store, requests, published, logs, pauses, copies },
    /** What each host answers next; 2xx when nothing is left. */
    replies: new Map<string, (number | "unreachable" | { status: number; retryAfter: string })[]>(),
    topicIsDown: false,
  };
  const http: Http = {
    async send(request) {
      requests.push(request);
      const next = world.replies.get(new URL(request.url).host)?.shift();
      if (next === "unreachable") throw new ProviderUnavailable("the provider did not answer (ETIMEDOUT)");
      return replyOf(next);
    },
  };
  const sns = {
    send: async (command: PublishCommand) => {
      if (world.topicIsDown) throw Object.assign(new Error("down"), { name: "InternalError" });
      published.push(command.input);
      return {};
    },
  } as unknown as Pick<SNSClient, "send">;
  const clock = {
    nowMs: () => nowMs,
    pause: async (ms: number) => {
      pauses.push(ms);
      nowMs += ms;
    },
  };
  const channels: readonly Channel[] = [
    pagerdutyChannel({
      http,
      routingKey: adminCredential(store, routingKeyArn),
      environment: "production",
      docsUrl,
    }),
    snsChannel(sns, { topicArn, docsUrl }),
    slackChannel({ http, webhook: adminCredential(store, webhookArn), docsUrl }),
    busChannel({ publish: async (event) => void copies.push(event) }),
  ];
  return { ...world, world, escalator: escalator({ channels, clock, log: (line) => void logs.push(line) }) };
}

function replyOf(next: number | { status: number; retryAfter: string } | undefined): HttpReply {
  const { status, retryAfter } =
    typeof next === "object" ? next : { status: next ?? 202, retryAfter: undefined };
  return { status, headers: retryAfter === undefined ? {} : { "retry-after": retryAfter }, json: undefined };
}

test("a page goes to every channel", async () => {
  const { escalator } = newWorld();

  expect(await escalator.page(page)).toEqual({ delivered: ["pagerduty", "sns", "slack"], failed: [] });
});

test("PagerDuty gets one alert per cause, with the exact steps for this provider and key", async () => {
  const { escalator, requests } = newWorld();

  await escalator.page(page);

  const [request] = requests.filter(({ url }) => url === "https://events.pagerduty.com/v2/enqueue");
  expect(request?.body).toMatchObject({
    routing_key: routingKey,
    event_action: "trigger",
    dedup_key: `i-20261122-1/notAccepted/${page.why}`,
    payload: { summary: page.title, source: "rekey/production", severity: "critical", class: "notAccepted" },
    links: [
      { href: "https://console.example.com/i-20261122-1" },
      { href: "https://git.example.com/rekey/docs/runbooks/revoke-not-accepted.md" },
    ],
  });
  const body = request?.body as { payload: { custom_details: { steps: string[] } } } | undefined;
  expect(body?.payload.custom_details.steps).toEqual([
    "rekey incident contain-now i-20261122-1",
    expect.stringMatching(
      /^read -rs OPENAI_ADMIN_KEY && curl -X DELETE "https:.*\/api_keys\/key_FAKE1" -H "Auth/,
    ),
    "rekey incident show i-20261122-1",
  ]);
});

test("the topic and the chat say what to do, until when, and where it is explained", async () => {
  const { escalator, published, requests } = newWorld();

  await escalator.page(page);

  expect(published[0]).toMatchObject({
    Subject: `Rekey: ${page.title}`,
    MessageAttributes: { reason: { StringValue: "notAccepted" }, test: { StringValue: "false" } },
  });
  const slack = JSON.stringify(requests.find(({ url }) => url === webhook)?.body);
  for (const text of [published[0]?.Message ?? "", slack]) {
    expect(text).toContain("deadline 2026-11-22 03:16:00Z");
    expect(text).toContain("1. rekey incident contain-now i-20261122-1");
    expect(text).toContain("docs/runbooks/revoke-not-accepted.md");
  }
});

test("a notice wakes nobody", async () => {
  const { escalator } = newWorld();

  expect(await escalator.page({ ...page, severity: "notify" })).toEqual({
    delivered: ["sns", "slack"],
    failed: [],
  });
});

test("the bus gets a copy of every page, which counts as having reached nobody", async () => {
  const { world, escalator, copies } = newWorld();
  world.topicIsDown = true;
  world.replies.set("hooks.slack.com", [500, 500, 500]);
  world.replies.set("events.pagerduty.com", [500, 500, 500]);

  expect(await escalator.page(page)).toEqual({ delivered: [], failed: ["pagerduty", "sns", "slack"] });
  expect(copies).toMatchObject([
    { type: "IncidentPage", detail: { incidentId: page.incidentId, keyId: "key_FAKE1" } },
  ]);
});

test("a notice that no quiet channel took goes through the loud one", async () => {
  const { world, escalator } = newWorld();
  world.topicIsDown = true;
  world.replies.set("hooks.slack.com", [500, 500, 500]);

  expect(await escalator.page({ ...page, severity: "notify" })).toEqual({
    delivered: ["pagerduty"],
    failed: ["sns", "slack"],
  });
});

test("a channel that is out of order does not keep the page from the others", async () => {
  const { world, escalator, logs } = newWorld();
  world.replies.set("events.pagerduty.com", ["unreachable", "unreachable", "unreachable"]);

  expect(await escalator.page(page)).toEqual({ delivered: ["sns", "slack"], failed: ["pagerduty"] });
  expect(logs.map(({ channel, error, attempt }) => [channel, error, attempt])).toEqual([
    ["pagerduty", "ProviderUnavailable", 1],
    ["pagerduty", "ProviderUnavailable", 2],
    ["pagerduty", "ProviderUnavailable", 3],
  ]);
});

test("a channel is tried again, and after as long as it asked for", async () => {
  const { world, escalator, pauses } = newWorld();
  world.replies.set("hooks.slack.com", [{ status: 429, retryAfter: "3" }]);
  world.replies.set("events.pagerduty.com", [503]);

  expect((await escalator.page(page)).failed).toEqual([]);
  expect([...pauses].sort()).toEqual([3_000, 500]);
});

test("a channel that asks for a minute is given up for now: the page cannot wait", async () => {
  const { world, escalator, pauses } = newWorld();
  world.replies.set("events.pagerduty.com", [{ status: 429, retryAfter: "60" }]);

  expect((await escalator.page(page)).failed).toEqual(["pagerduty"]);
  expect(pauses).toEqual([]);
});

test("a routing key that was rotated is read again", async () => {
  const { world, escalator, store, requests } = newWorld();
  await escalator.page(page);
  store.setCurrent(routingKeyArn, "FAKEroutingkeyNEW");
  world.replies.set("events.pagerduty.com", [400]);

  expect((await escalator.page(page)).failed).toEqual([]);
  expect(requests.map(({ body }) => (body as { routing_key?: string }).routing_key).filter(Boolean)).toEqual([
    routingKey,
    routingKey,
    "FAKEroutingkeyNEW",
  ]);
});

test("a second cause is an alert of its own at PagerDuty, a repeat is not", async () => {
  const { escalator, requests } = newWorld();

  for (const why of ["the provider is down", "the provider is down", "no policy reaches the key"])
    await escalator.page({ ...page, why });

  const keys = requests.flatMap(({ body }) => (body as { dedup_key?: string }).dedup_key ?? []);
  expect(new Set(keys).size).toBe(2);
  expect(keys).toHaveLength(3);
});

test("a test reaches every channel and opens no alert at PagerDuty", async () => {
  const { escalator, requests, published } = newWorld();

  expect(await escalator.page({ ...page, severity: "notify", test: true })).toMatchObject({
    delivered: ["pagerduty", "sns", "slack"],
  });
  expect(requests.find(({ url }) => url.includes("pagerduty"))?.body).toEqual({
    routing_key: routingKey,
    dedup_key: `i-20261122-1/notAccepted/${page.why}`,
    event_action: "resolve",
  });
  expect(published[0]?.Subject).toMatch(/^Rekey: \[TEST\] /);
});

test("names in a page neither mention, link nor break a subject or a command", async () => {
  const { escalator, requests, published } = newWorld();
  const about = { ...page.about, keyId: "key; rm -rf $HOME" };

  const { place, command = "" } = manualOf({ ...about, settings: { project: "proj_FAKE" } });
  const steps = [place, command];
  await escalator.page({ ...page, title: "<!channel> ключ\nnew line", about, steps });

  type Message = { text: string; blocks: { text?: { type: string; text: string } }[] };
  const slack = requests.find(({ url }) => url === webhook)?.body as Message | undefined;
  const formatted = slack?.blocks.flatMap(({ text }) => (text?.type === "mrkdwn" ? [text.text] : [])) ?? [];
  for (const text of [slack?.text ?? "<!channel>", ...formatted]) {
    expect(text).not.toContain("<!channel>");
    expect(text).toContain("&lt;!channel&gt;");
  }
  expect(formatted).toHaveLength(1);
  expect(published[0]?.Subject).toBe("Rekey: <!channel> ?????new line");
  expect(published[0]?.Message).not.toContain("curl");
});

test("neither the routing key nor the webhook's address is logged when a channel fails", async () => {
  const { world, escalator, logs } = newWorld();
  world.replies.set("hooks.slack.com", [403, 403, 403]);
  world.replies.set("events.pagerduty.com", [400, 400, 400]);

  await escalator.page(page);

  expect(logs).toHaveLength(6);
  expect(JSON.stringify(logs)).not.toMatch(/FAKErouting|FAKEwebhook/);
});

test("only what is configured is a channel, and requests leave for these two hosts only", async () => {
  const store = memoryStore();
  store.create(webhookArn, "https://attacker.example.com/services/FAKE");
  const world = { store, bus: { publish: async () => undefined } };

  expect(channelsOf(world, { environment: "production" }).map(({ name }) => name)).toEqual(["bus"]);
  const [slack] = channelsOf(world, { environment: "production", slackSecretArn: webhookArn });
  await expect(slack?.send(page)).rejects.toThrow("outgoing address refused: HostNotAllowed");
});
