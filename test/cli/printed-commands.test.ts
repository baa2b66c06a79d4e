import type { IncidentRecord } from "../../core/incident/record.ts";
import { triageSubject } from "../../core/incident/turns.ts";
import { reportOf } from "../../core/report/report.ts";
import { reportMarkdown } from "../../core/report/report-text.ts";
import { escalate } from "../../functions/incident/escalate.ts";
import { stepsToTake } from "../../functions/incident/paging/steps.ts";
import { NOON_MS } from "../contract/admin-world.ts";
import { keyOf, minute, openIncident, secretOf } from "./incident-world.ts";
import { commandsIn, shellWords, whyNotTaken } from "./printed-command.ts";

const { keyId: _, secretArn: __, ...strange } = keyOf("any");
const unknown = { ...strange, standing: "unknown" as const, state: "needsPerson" as const };
const nobodys = { match: { by: "none" as const, text: "sha256:FAKE" }, plan: "person" as const };

/** Every kind of incident that asks a person for something. */
const situations: Readonly<Record<string, (keyId: string) => Partial<IncidentRecord>>> = {
  "a hint that a person has to confirm": (keyId) => ({
    ...{ match: { by: "hint", text: "sk-…abcd" }, plan: "replace-and-page", planWhy: "a hint" },
    keys: [keyOf(keyId)],
  }),
  "a replacement that failed": (keyId) => ({
    ...{
      plan: "switch-first",
      secrets: [secretOf({ keyId, replacement: "failed", failure: "QuotaReached" })],
    },
  }),
  "a machine that ended": () => ({ status: "needsPerson", reason: "TimedOut" }),
  "a provider that is down": (keyId) => ({
    keys: [{ ...keyOf(keyId), blocked: { why: "ProviderUnavailable: 503", error: "ProviderUnavailable" } }],
  }),
  "a provider without a call that revokes": (keyId) => ({
    keys: [{ ...keyOf(keyId), state: "needsPerson", byHand: true, blocked: { why: "no call" } }],
  }),
  "a quarantined key": (keyId) => ({
    keys: [{ ...keyOf(keyId), state: "quarantined", quarantinedAtMs: NOON_MS, revokeAtMs: NOON_MS + minute }],
  }),
  "a key that nobody knows": () => ({
    ...{ ...nobodys, planWhy: "no secret under Rekey is known to hold this key" },
    ...{ keys: [{ ...unknown, fingerprint: "sha256:FAKE" }], secrets: [] },
  }),
  "a key at a provider that no policy reaches": () => ({
    ...{ ...nobodys, planWhy: "no secret under Rekey is known to hold this key", secrets: [] },
    keys: [{ ...unknown, keyId: "gsk-FAKE", provider: "groq" }],
  }),
  "an admin credential of Rekey's own": () => ({
    ...{ plan: "person", planWhy: "it is the openai admin credential of billing-key" },
    keys: [{ ...unknown, role: "admin", what: "the openai admin credential of billing-key" }],
  }),
  "a signing secret of the intake": () => ({
    ...{ plan: "person", planWhy: "it is the intake's signing secret" },
    keys: [{ ...unknown, role: "intake", what: "the intake's signing secret", versionId: "v1" }],
  }),
  "a webhook of the pages": () => ({
    ...{ plan: "person", planWhy: "it is the Slack webhook of the pages" },
    keys: [{ ...unknown, role: "slackWebhook", what: "the Slack webhook of the pages" }],
  }),
  "the token for GitHub's alerts": () => ({
    ...{ plan: "person", planWhy: "it is the token that reads GitHub's alerts" },
    keys: [{ ...unknown, role: "githubToken", what: "the token that reads GitHub's alerts" }],
  }),
  "a key that is only watched": () => ({
    ...{ plan: "person", planWhy: "only watched", keys: [{ ...unknown, role: "index" }] },
  }),
  "too many inexact alerts": () => ({
    ...{ plan: "person", planWhy: "the breaker is open", subject: triageSubject, keys: [], secrets: [] },
  }),
  "a key that a person has to supply": (keyId) => ({
    secrets: [secretOf({ keyId, supplyWanted: true })],
  }),
};

/** What the screen and every page of the next twenty minutes say about it. */
async function printedAbout(name: string) {
  const told = await openIncident();
  const { cli, becomes, incidentId, keyId, pages, world } = told;
  await becomes(incidentId, situations[name]?.(keyId) ?? {});
  const { out } = await cli(`incident show ${incidentId}`);
  for (const after of [0, 0, 5, 14, 20]) {
    await escalate.run({ incidentId, at: NOON_MS + after * minute }, world.depsOf("escalate"));
  }
  const steps = pages.flatMap((page) => [...page.steps, page.why]);
  return { ...told, commands: [...new Set(commandsIn([out, ...steps].join("\n")))] };
}

test.each(Object.keys(situations))(
  "%s: what is printed can be pasted, and does what it says",
  async (name) => {
    const { commands, pages } = await printedAbout(name);

    expect(pages.length).toBeGreaterThan(0);
    for (const line of commands) {
      expect([line, await whyNotTaken(line)]).toEqual([line, undefined]);
      if (!line.startsWith("rekey incident ") || line.includes("undo-quarantine")) continue;
      // Each on an incident of its own: an order changes what the next one finds.
      const { cli, incidentId, keyId, becomes } = await openIncident();
      await becomes(incidentId, situations[name]?.(keyId) ?? {});
      const words = shellWords(line)
        .slice(1)
        .map((word) => (/^i-/.test(word) ? incidentId : word));
      expect([line, await cli(words)]).toEqual([line, expect.objectContaining({ code: 0 })]);
    }
  },
);

test.each([
  ["a hint that a person has to confirm", "contain-now"],
  ["a replacement that failed", "contain-now"],
  ["a machine that ended", "contain-now"],
  ["a key that nobody knows", "false-alarm"],
  ["a key at a provider that no policy reaches", "false-alarm"],
  ["an admin credential of Rekey's own", "waive"],
  ["a signing secret of the intake", "waive"],
  ["a key that is only watched", "waive"],
  ["too many inexact alerts", "false-alarm"],
])("%s: the screen and the page both say how it ends: %s", async (name, order) => {
  const { pages, cli, incidentId } = await printedAbout(name);
  const ending = `rekey incident ${order} ${incidentId} --reason `;

  expect((await cli(`incident show ${incidentId}`)).out).toContain(ending);
  expect(pages.flatMap(({ steps }) => steps)).toContainEqual(expect.stringMatching(`^${ending}`));
});

test.each(Object.keys(situations))(
  "%s: page, screen and report show one list, and no unset variable",
  async (name) => {
    const { pages, cli, incidentId, world } = await printedAbout(name);
    const steps = pages.at(-1)?.steps.slice(0, -1) ?? [];
    const { out } = await cli(`incident show ${incidentId}`);
    const record = await world.ledger.incidents.incident(incidentId);
    if (record === undefined) throw new Error("no incident");
    const policies = await world.ledger.policies();
    const report = reportMarkdown(
      reportOf({ incident: record, policies, nowMs: NOON_MS, steps: stepsToTake({ record, policies }) }),
    );
    const said = (text: string) => text.replaceAll("\\", "");

    for (const step of steps) {
      expect(out).toContain(step);
      expect(said(report)).toContain(said(step).slice(0, 60));
      for (const [, variable = ""] of step.matchAll(/\$([A-Z_]+)/g))
        expect(step).toContain(`read -rs ${variable} && `);
    }
  },
);

test("the places where the key was found are a step of page and screen", async () => {
  const told = await openIncident();
  const [alert] = told.record.alerts;
  if (alert === undefined) throw new Error("no alert");
  const where = ["https://github.com/acme/shop/blob/main/.env#L3"];
  await told.becomes(told.incidentId, {
    alerts: [{ ...alert, where }],
    status: "needsPerson",
    reason: "TimedOut",
  });
  await escalate.run({ incidentId: told.incidentId, at: NOON_MS }, told.world.depsOf("escalate"));
  const step = `take the key away where it was found: ${where[0]}`;

  expect(told.pages.at(-1)?.steps).toContain(step);
  expect((await told.cli(`incident show ${told.incidentId}`)).out).toContain(step);
});
