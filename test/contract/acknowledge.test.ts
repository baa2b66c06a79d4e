import { createHmac } from "node:crypto";
import { quietChannels } from "../../core/incident/turns.ts";
import { escalator } from "../../functions/adapters/people/escalation.ts";
import { noteAcknowledgement } from "../../functions/alerts/note-acknowledgement.ts";
import type { Page } from "../../functions/deps.ts";
import { openIncident } from "../cli/incident-world.ts";
import { NOON_MS } from "./admin-world.ts";
import { IntakeWorld, noon } from "./intake-world.ts";

const minute = 60_000;
const sign = (key: string, text: string) => createHmac("sha256", key).update(text).digest("hex");

interface FromSlack {
  readonly user?: string;
  readonly atMs?: number;
  readonly key?: string;
  readonly text?: string;
}

/** A press of the button, as Slack posts it. */
function pressed({ user = "U0FAKE", atMs = noon, key = "FAKE-signing-slack", text }: FromSlack = {}) {
  const payload = {
    ...{ type: "block_actions", user: { id: user }, team: { id: "T0FAKE" } },
    actions: [{ action_id: "rekey_acknowledge", value: "i-0123456789-1" }],
  };
  const command = { command: "/rekey-ack", team_id: "T0FAKE", user_id: user, text: text ?? "" };
  const body = new URLSearchParams(
    text === undefined ? { payload: JSON.stringify(payload) } : command,
  ).toString();
  const stamp = String(Math.floor(atMs / 1_000));
  const headers = {
    "X-Slack-Request-Timestamp": stamp,
    "X-Slack-Signature": `v0=${sign(key, `v0:${stamp}:${body}`)}`,
  };
  return { path: "/intake/slack", headers, body };
}

function fromPagerduty({
  type = "incident.acknowledged",
  agent = { id: "PFAKE1" } as object | null,
  id = "01FAKE",
} = {}) {
  const event = {
    ...{ id, event_type: type, occurred_at: new Date(noon - minute).toISOString(), agent },
    data: { incident_key: "i-0123456789-1/deadlinePassed/urgent" },
  };
  const body = JSON.stringify({ event });
  const headers = {
    "X-PagerDuty-Signature": `v1=${"0".repeat(64)},v1=${sign("FAKE-signing-pagerduty", body)}`,
  };
  return { path: "/intake/pagerduty", headers, body };
}

describe("an acknowledgement from Slack", () => {
  test.each([
    ["the button", pressed()],
    ["the command", pressed({ text: "i-0123456789-1" })],
  ])("%s of a listed user is taken, once", async (_title, post) => {
    const world = new IntakeWorld();
    expect((await world.post(post)).statusCode).toBe(200);
    expect(JSON.parse((await world.post(post)).body ?? "{}").text).toBe("acknowledged already");
    expect(world.acknowledged).toEqual([
      { channel: "slack", incidentId: "i-0123456789-1", by: "slack:T0FAKE/U0FAKE", saidAtMs: noon },
    ]);
  });

  test.each([
    ["another secret signed", pressed({ key: "FAKE-other" }), 403],
    ["five minutes and a second old", pressed({ atMs: noon - 5 * minute - 1_000 }), 403],
    ["without a signature", { ...pressed(), headers: {} }, 403],
    ["larger than Slack sends", { ...pressed(), body: "x".repeat(65 * 1024) }, 413],
  ])("that is %s is refused", async (_title, post, status) => {
    const world = new IntakeWorld();
    expect((await world.post(post)).statusCode).toBe(status);
    expect(world.acknowledged).toEqual([]);
  });

  test("exactly five minutes old is taken; of a user who is not listed it is not, and they are told", async () => {
    const world = new IntakeWorld();
    await world.post(pressed({ atMs: noon - 5 * minute }));
    expect(world.acknowledged).toHaveLength(1);
    const said = await world.post(pressed({ user: "U0OTHER" }));
    expect(JSON.parse(said.body ?? "{}").text).toContain(
      "T0FAKE/U0OTHER is not in the deployment's slackUsers",
    );
    expect(world.acknowledged).toHaveLength(1);
  });
});

describe("an acknowledgement from PagerDuty", () => {
  test("counts once, at its own time, and any of several signatures is enough", async () => {
    const world = new IntakeWorld();
    await world.post(fromPagerduty());
    await world.post(fromPagerduty());
    expect(world.acknowledged).toEqual([
      { channel: "pagerduty", incidentId: "i-0123456789-1", by: "pagerduty:PFAKE1", saidAtMs: noon - minute },
    ]);
  });

  test.each([
    ["of another kind", fromPagerduty({ type: "incident.resolved" })],
    ["by automation", fromPagerduty({ agent: null })],
  ])("%s acknowledges nothing, and is not sent again", async (_title, post) => {
    const world = new IntakeWorld();
    expect((await world.post(post)).statusCode).toBe(200);
    expect(world.acknowledged).toEqual([]);
  });
});

describe("in the record", () => {
  const ack = (channel: "slack" | "pagerduty") => ({
    ...{ channel, by: `${channel}:T0FAKE/U0FAKE`, saidAtMs: NOON_MS + 16 * minute },
  });

  test("the channel's answer is kept, and keeps back that channel for ten minutes", async () => {
    const { world, incidentId, only, becomes } = await openIncident();
    const page = {
      reason: "deadlinePassed",
      severity: "page",
      why: "urgent",
      delivered: ["slack"],
      failed: [],
    } as const;
    await becomes(incidentId, { pages: [{ ...page, atMs: NOON_MS + 15 * minute }] });

    await noteAcknowledgement({ ...ack("slack"), incidentId }, world.deps);
    await noteAcknowledgement({ ...ack("slack"), incidentId }, world.deps);

    const record = await only();
    expect(record.acknowledged).toMatchObject([{ channel: "slack", by: "slack:T0FAKE/U0FAKE" }]);
    const due = { reason: "deadlinePassed", severity: "page", why: "urgent: still" } as const;
    expect(quietChannels(record, due, NOON_MS + 26 * minute - 1)).toEqual(["slack"]);
    expect(quietChannels(record, due, NOON_MS + 26 * minute)).toEqual([]);
    expect(quietChannels(record, { ...due, reason: "settled" }, NOON_MS + 17 * minute)).toEqual([]);
  });

  test("of an incident that paged nobody, or that there is not, changes nothing", async () => {
    const { world, incidentId } = await openIncident();
    expect((await noteAcknowledgement({ ...ack("slack"), incidentId }, world.deps)).outcome).toBe(
      "nothingToAcknowledge",
    );
    const other = { ...ack("slack"), incidentId: "i-0000000000-9" };
    expect((await noteAcknowledgement(other, world.deps)).outcome).toBe("nothingToAcknowledge");
  });
});

test("a quiet channel gets no repeat, the others do, and the only channel gets it all the same", async () => {
  const sent: string[] = [];
  const channel = (name: string) => ({
    name,
    takes: "everything" as const,
    send: async () => void sent.push(name),
  });
  const world = { clock: { nowMs: () => 0, pause: async () => undefined }, log: () => undefined };
  const page = {
    severity: "page",
    test: false,
    reason: "deadlinePassed",
    quiet: ["slack"],
  } as unknown as Page;
  await escalator({ channels: [channel("slack"), channel("sns")], ...world }).page(page);
  expect(sent).toEqual(["sns"]);
  await escalator({ channels: [channel("slack")], ...world }).page(page);
  expect(sent).toEqual(["sns", "slack"]);
});
