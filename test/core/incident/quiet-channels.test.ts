import { quietAfterAckMs, quietChannels } from "../../../core/incident/turns.ts";
import { incident, openedAtMs, word } from "./incident-world.ts";

const sent = {
  atMs: openedAtMs,
  severity: "page",
  why: "it lives",
  delivered: ["slack"],
  failed: [],
} as const;
const due = { reason: "deadlinePassed", severity: "page", why: "it lives" } as const;
const heard = { ...word, channel: "slack" as const };
const paged = incident({ pages: [{ ...sent, reason: "deadlinePassed" }], acknowledged: [heard] });
const endsMs = heard.atMs + quietAfterAckMs;

test("a channel where somebody acknowledged gets no repeat for a while", () => {
  expect(quietChannels(paged, due, endsMs - 1)).toEqual(["slack"]);
  expect(quietChannels(paged, due, endsMs)).toEqual([]);
});

test("a page with a new reason goes to every channel", () => {
  expect(quietChannels({ ...paged, pages: [] }, due, endsMs - 1)).toEqual([]);
  const other = { ...due, reason: "cutOff" } as const;
  expect(quietChannels({ ...paged, pages: [{ ...sent, reason: "cutOff" }] }, other, endsMs - 1)).toEqual([]);
});

test("an acknowledgement through no channel keeps none quiet", () => {
  expect(quietChannels({ ...paged, acknowledged: [word] }, due, endsMs - 1)).toEqual([]);
  const { acknowledged: _nobody, ...unheard } = paged;
  expect(quietChannels(unheard, due, endsMs - 1)).toEqual([]);
});
