import { claimText } from "../../../core/incident/claim.ts";
import { clockFrom } from "../../../core/incident/plan.ts";
import type { AlertSeen } from "../../../core/incident/record.ts";
import { match } from "./incident-world.ts";

const receivedAtMs = Date.UTC(2026, 10, 30, 5, 2, 8);
const alert: AlertSeen = {
  ...{ source: "report", sourceId: "1", principal: "intake/report", receivedAtMs },
  ...{ exposure: "public", verified: "live", match, where: [] },
};

test.each([
  [
    Date.UTC(2026, 10, 22),
    "report claimed 2026-11-22 00:00:00Z; taken for 2026-11-29 05:02:08Z: a claim is believed for at most 24 hours before it arrives",
  ],
  [
    Date.UTC(2026, 11, 1),
    "report claimed 2026-12-01 00:00:00Z; taken for 2026-11-30 05:02:08Z: a claim never makes the clock later",
  ],
  [receivedAtMs - 60_000, "report claimed 2026-11-30 05:01:08Z; nobody but the sender saw that"],
])("a claimed time of detection is shown with what it was taken for", (claimedAtMs, text) => {
  const { detectedAtMs } = clockFrom({ receivedAtMs, detectedAtMs: claimedAtMs });
  expect(claimText({ alerts: [{ ...alert, detectedAtMs: claimedAtMs }], detectedAtMs })).toBe(text);
});

test("nothing is said of a claim where nobody made one", () => {
  expect(claimText({ alerts: [alert], detectedAtMs: receivedAtMs })).toBeUndefined();
});

test("of several claims the earliest is shown", () => {
  const claimed = (agoMs: number) => ({ ...alert, detectedAtMs: receivedAtMs - agoMs });
  const alerts = [claimed(60_000), claimed(120_000), claimed(30_000)];
  const { detectedAtMs } = clockFrom({ receivedAtMs, detectedAtMs: receivedAtMs - 120_000 });
  expect(claimText({ alerts, detectedAtMs })).toMatch(/^report claimed 2026-11-30 05:00:08Z/);
});
