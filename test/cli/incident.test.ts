import { arnOf, NOON_MS } from "../contract/admin-world.ts";
import { keyOf, minute, openIncident, secretOf } from "./incident-world.ts";

const row = (out: string, name: string): string =>
  out
    .split("\n")
    .find((line) => line.startsWith(name))
    ?.slice(name.length)
    .trim() ?? "";

describe("rekey incident show", () => {
  test("answers in its first lines, from the ledger alone", async () => {
    const { cli, incidentId, keyId } = await openIncident();

    const { out, code } = await cli(`incident show ${incidentId}`, { admin: false });

    expect(code).toBe(0);
    expect(out.split("\n").slice(0, 8)).toEqual([
      [
        `${incidentId}  open  detected 2026-11-22 12:00:00Z (0.0 s ago)`,
        "deadline 2026-11-22 12:15:00Z (in 15 min)",
      ].join(", "),
      "dead?        no: it works, and no revoke was accepted",
      expect.stringMatching(
        `^key          ${keyId} at openai \\(main\\), current; matched by fingerprint sha256:`,
      ),
      "plan         contain-first: an authenticated person reported it",
      "failing now  nobody: the key still works; not moved yet: billing-key",
      [
        "rekey does   waits: the replacement has a head start, until 2026-11-22 12:00:10Z (in 10 s)",
        "replaces the key of billing-key",
        "pages now",
      ].join("; "),
      "you          nothing now: Rekey goes on by itself",
      "undo?        nothing was done to the key yet",
    ]);
  });

  test("accepted and observed dead are told apart, with who is failing meanwhile", async () => {
    const accepted = { state: "accepted" as const, acceptedAtMs: NOON_MS - minute, probes: 3, refusals: 2 };
    const { cli, incidentId, keyId, becomes } = await openIncident();
    await becomes(incidentId, {
      keys: [{ ...keyOf(keyId), ...accepted }],
      secrets: [secretOf({ keyId, replacement: "promoted", behind: ["billing"] })],
    });

    const { out } = await cli(`incident show ${incidentId}`);

    expect(row(out, "dead?")).toBe(
      "not yet: revoke accepted 2026-11-22 11:59:00Z (60 s ago), " +
        "still watched (3 probes, 2 refused in a row)",
    );
    expect(row(out, "failing now")).toBe(
      "billing, since 2026-11-22 11:59:00Z (60 s ago): not on the incoming key yet",
    );
    expect(row(out, "undo?")).toMatch(/^no: a revoke is final/);
  });

  test("an inexact match asks for a person's decision with one command to copy", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    await becomes(incidentId, {
      match: { by: "hint", text: "sk-…abcd" },
      plan: "replace-and-page",
      planWhy: "a hint",
    });

    const { out } = await cli(`incident show ${incidentId}`);

    expect(row(out, "you")).toBe(`decide: rekey incident contain-now ${incidentId} --reason "..."`);
  });

  test("a provider without a call that revokes names the place to do it by hand", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const key = {
      ...keyOf(keyId),
      provider: "cohere",
      state: "needsPerson" as const,
      byHand: true,
      blocked: "no call",
    };
    await becomes(incidentId, { keys: [key] });

    expect(row((await cli(`incident show ${incidentId}`)).out, "you")).toBe(
      `by hand: open https://dashboard.cohere.com/api-keys and disable or delete key ${keyId}`,
    );
  });

  test("a mistyped id is met with what may have been meant", async () => {
    const { cli, incidentId } = await openIncident();

    const { code, err } = await cli(`incident show ${incidentId.replace("i-", "j-")}`);

    expect(code).toBe(1);
    expect(err).toContain(`did you mean ${incidentId}?`);
  });

  test("list shows what is open, and with --all what is over", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    expect((await cli("incident list")).out).toContain(`${incidentId}  open`);

    await becomes(incidentId, { status: "closed" });

    expect((await cli("incident list")).out).toBe("no incident is open");
    expect((await cli("incident list --all")).out).toContain(`${incidentId}  closed`);
  });
});

describe("what a person says in an incident", () => {
  const say = (order: string, incidentId: string, ...more: readonly string[]) => [
    ...["incident", order, incidentId, "--reason", "checkout is down"],
    ...more,
  ];

  test("stands in the record under the principal that AWS vouches for", async () => {
    const { cli, incidentId, world, record } = await openIncident();

    expect((await cli(say("note", incidentId))).code).toBe(0);

    const now = await world.ledger.incidents.incident(incidentId);
    expect(now?.notes).toMatchObject([
      { text: "checkout is down", by: expect.stringMatching(/operator\/anna$/) },
    ]);
    expect(now?.seq).toBeGreaterThan(record.seq);
    expect(await world.told("billing-key")).toContain("IncidentNoted by anna");
  });

  test("contain-now lets containment wait for nothing, and starts a machine that had ended", async () => {
    const { cli, incidentId, world, becomes } = await openIncident();
    expect((await cli(say("contain-now", incidentId))).out).toContain("the machine contains it now");
    const starts = world.executions.started.length;

    await becomes(incidentId, { status: "needsPerson" });
    expect((await cli(say("contain-now", incidentId))).out).toContain("the machine was started again");

    expect(world.executions.started).toHaveLength(starts + 1);
    expect(await world.ledger.incidents.incident(incidentId)).toMatchObject({
      containNow: { reason: "checkout is down" },
    });
  });

  test("contain-now is refused where nobody knows which key that would be", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    const { keyId: _, ...unknown } = keyOf("any");
    await becomes(incidentId, { keys: [unknown] });

    const { code, err } = await cli(say("contain-now", incidentId));

    expect(code).toBe(1);
    expect(err).toContain("rekey compromise --key-stdin --dry-run");
  });

  test("switch-first gives consumers their time, and is too late after a revoke", async () => {
    const { cli, incidentId, keyId, becomes, world } = await openIncident();

    expect((await cli(say("switch-first", incidentId))).code).toBe(0);
    expect(await world.ledger.incidents.incident(incidentId)).toMatchObject({
      plan: "switch-first",
      planAsked: { plan: "switch-first" },
      containByMs: expect.any(Number),
    });

    await becomes(incidentId, { keys: [{ ...keyOf(keyId), state: "accepted" }] });
    expect((await cli(say("switch-first", incidentId))).err).toContain("cannot be undone");
  });

  test("a waived key is closed by a person's name, and only a key in scope can be", async () => {
    const { cli, incidentId, keyId, world } = await openIncident();

    expect((await cli(say("waive", incidentId, "--key", "key_OTHER"))).err).toContain(
      "no key key_OTHER is in scope",
    );
    expect((await cli(say("waive", incidentId))).out).toContain(`${keyId} is waived in your name`);

    const now = await world.ledger.incidents.incident(incidentId);
    expect(now?.keys).toMatchObject([{ state: "waiting", waiver: { reason: "checkout is down" } }]);
    expect(row((await cli(`incident show ${incidentId}`)).out, "dead?")).toBe(
      "not proven: waived by anna (checkout is down)",
    );
  });

  test("undo-quarantine enables the key exactly as it was and lets consumers move first", async () => {
    const { cli, incidentId, keyId, becomes, world } = await openIncident();
    const restored: unknown[] = [];
    const { provider } = world.deps;
    Object.assign(world.deps, {
      provider: (policy: Parameters<typeof provider>[0]) => ({
        ...provider(policy),
        restore: async (key: unknown) => void restored.push(key),
      }),
    });
    await world.ledger.changeSecret(arnOf("billing-key"), (record) => ({
      ...record,
      keys: record.keys.map((key) => ({ ...key, state: "quarantined" as const, scopes: ["model.read"] })),
    }));
    const quarantined = {
      state: "quarantined" as const,
      quarantinedAtMs: NOON_MS,
      revokeAtMs: NOON_MS + minute,
    };
    await becomes(incidentId, { keys: [{ ...keyOf(keyId), ...quarantined }] });
    expect(row((await cli(`incident show ${incidentId}`)).out, "undo?")).toMatch(
      /^yes: rekey incident undo-quarantine/,
    );

    const { out, code } = await cli(say("undo-quarantine", incidentId));

    expect(code).toBe(0);
    expect(out).toContain(`${keyId} works again`);
    expect(restored).toEqual([{ keyId, scopes: ["model.read"] }]);
    expect(await world.ledger.incidents.incident(incidentId)).toMatchObject({
      plan: "switch-first",
      keys: [{ state: "waiting" }],
    });
    expect((await world.ledger.secret(arnOf("billing-key"))).keys).toMatchObject([{ state: "current" }]);
  });

  test("a false alarm ends the incident, wakes its machine, and brings no revoked key back", async () => {
    const { cli, incidentId, keyId, becomes, world } = await openIncident();
    await becomes(incidentId, {
      keys: [{ ...keyOf(keyId), state: "accepted", acceptedAtMs: NOON_MS }],
      waits: [{ waiter: "clock", token: "token-1", seenSeq: 0 }],
    });

    const { out } = await cli(say("false-alarm", incidentId));

    expect(out).toContain(`${keyId} stays revoked`);
    expect(world.executions.callbacks).toMatchObject([{ token: "token-1" }]);
    expect(await world.ledger.incidents.incident(incidentId)).toMatchObject({ status: "falseAlarm" });
    expect((await cli(say("contain-now", incidentId))).err).toContain("is over (a false alarm)");
  });

  test("escalate pages everybody with the reason, and says when nobody could be reached", async () => {
    const { cli, incidentId, pages, channels } = await openIncident();

    expect((await cli(say("escalate", incidentId))).out).toContain("paged through sns");
    expect(pages).toMatchObject([
      { reason: "asked", severity: "page", why: expect.stringContaining("checkout is down") },
    ]);

    channels.areDown = true;
    const { code, err } = await cli(say("escalate", incidentId));
    expect(code).toBe(1);
    expect(err).toContain("no channel took the page (sns)");
  });

  test("needs a reason, and an incident that exists", async () => {
    const { cli, incidentId } = await openIncident();

    expect((await cli(["incident", "contain-now", incidentId])).code).toBe(2);
    expect((await cli(say("note", "i-nothing"))).err).toContain("there is no incident i-nothing");
  });
});
