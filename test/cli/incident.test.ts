import type { IncidentRecord } from "../../core/incident/record.ts";
import { triageSubject } from "../../core/incident/turns.ts";
import { arnOf, NOON_MS } from "../contract/admin-world.ts";
import { keyOf, minute, openIncident, secretOf } from "./incident-world.ts";

const row = (out: string, name: string): string =>
  out
    .split("\n")
    .find((line) => line.startsWith(name))
    ?.slice(name.length)
    .trim() ?? "";

/** An answer, and the command under it that can be pasted. */
const todo = (out: string, name: string): readonly string[] => {
  const lines = out.split("\n");
  const at = lines.findIndex((line) => line.startsWith(name));
  const next = lines[at + 1]?.startsWith(" ".repeat(13)) ? [lines[at + 1]?.trim() ?? ""] : [];
  return [row(out, name), ...next];
};

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
      "dead?        not known: nobody has tried it; no revoke was accepted",
      expect.stringMatching(
        `^key          ${keyId} at openai \\(main\\), was current; matched by fingerprint sha256:`,
      ),
      "plan         contain-first: an authenticated person reported it",
      "failing now  nobody: Rekey has not stopped the key; not moved yet: billing-key",
      [
        "rekey does   waits: the replacement has a head start, until 2026-11-22 12:00:10Z (in 10 s)",
        "replaces the key of billing-key",
        "pages now",
      ].join("; "),
      "you          nothing now: Rekey goes on by itself",
      "undo?        nothing was done to the key yet",
    ]);
  });

  test("accepted and observed dead are shown apart, with who is failing meanwhile", async () => {
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

    expect(todo(out, "you")).toEqual([
      "if it is the right key, let Rekey revoke it:",
      `rekey incident contain-now ${incidentId} --reason 'decided on call'`,
    ]);
  });

  const noReplacement = secretOf({ replacement: "failed", failure: "QuotaReached: full" });

  test.each<[string, Partial<IncidentRecord>, string]>([
    ["that waits for consumers", {}, "if it cannot wait for its consumers, let Rekey revoke it:"],
    [
      "that has no replacement",
      { secrets: [noReplacement] },
      "if it cannot wait for its consumers, let Rekey",
    ],
    [
      "that is contained anyway",
      { plan: "contain-first", secrets: [noReplacement] },
      "nothing now: Rekey goes on",
    ],
  ])("a person is asked for an order if it makes containment earlier: a key %s", async (_, changes, you) => {
    const { cli, incidentId, becomes } = await openIncident();
    await becomes(incidentId, { plan: "switch-first", ...changes });
    expect(row((await cli(`incident show ${incidentId}`)).out, "you")).toContain(you);
  });

  test("after the revoke call an order would make nothing earlier", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const keys = [{ ...keyOf(keyId), state: "revoking" as const }];
    await becomes(incidentId, { plan: "switch-first", keys, secrets: [noReplacement] });
    expect((await cli(`incident show ${incidentId}`)).out).not.toContain("contain-now");
  });

  test("a provider without a call that revokes names the place to do it by hand", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const key = {
      ...keyOf(keyId),
      provider: "cohere",
      state: "needsPerson" as const,
      byHand: true,
      blocked: { why: "no call" },
    };
    await becomes(incidentId, { keys: [key] });

    expect(row((await cli(`incident show ${incidentId}`)).out, "you")).toBe(
      `by hand: open https://dashboard.cohere.com/api-keys and disable or delete key ${keyId}`,
    );
  });

  const dead = { state: "dead" as const, how: "refused" as const, acceptedAtMs: NOON_MS - minute };
  const watched = {
    ...secretOf({ replacement: "failed", failure: "Rekey only watches this secret" }),
    ...{ secretArn: arnOf("batch-copy"), name: "batch-copy" },
  };

  test("a secret that is only watched fails with the key that it shares, and somebody is asked to replace it", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const keys = [{ ...keyOf(keyId), ...dead, deadAtMs: NOON_MS }];
    const moved = secretOf({ keyId, replacement: "adopted" });
    await becomes(incidentId, { status: "closed", keys, secrets: [moved, watched] });

    const { out } = await cli(`incident show ${incidentId}`);

    expect(row(out, "failing now")).toBe(
      "whoever reads batch-copy, since 2026-11-22 11:59:00Z (60 s ago): " +
        "no replacement (Rekey only watches this secret)",
    );
    expect(row(out, "you")).toBe("put a key that works into batch-copy: Rekey only watches this secret");
  });

  test.each([
    ["nobody has tried it", "unknown", {}, "not known: nobody has tried it; no revoke was accepted"],
    [
      "a scanner has",
      "live",
      {},
      "not known: person saw it work, Rekey has not tried it; no revoke was accepted",
    ],
    [
      "Rekey has, and it was not refused",
      "unknown",
      { probes: 2 },
      "no: not refused when it was last tried (2 probes); no revoke was accepted",
    ],
    [
      "Rekey has, and it was refused",
      "unknown",
      { probes: 3, refusals: 2 },
      "not yet: refused 2 times in a row (3 probes); no revoke was accepted",
    ],
  ] as const)("whether a key is dead is what was observed: %s", async (_, verified, seen, answer) => {
    const { cli, incidentId, keyId, becomes, record } = await openIncident();
    const alerts = record.alerts.map((alert) => ({ ...alert, verified }));
    await becomes(incidentId, { alerts, keys: [{ ...keyOf(keyId), ...seen }] });

    expect(row((await cli(`incident show ${incidentId}`)).out, "dead?")).toBe(answer);
  });

  test("a revoke that was requested and not accepted is different from both", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const asked = { state: "revoking" as const, revokeIntendedAtMs: NOON_MS - minute };
    await becomes(incidentId, { keys: [{ ...keyOf(keyId), ...asked }], secrets: [] });

    const { out } = await cli(`incident show ${incidentId}`);

    expect(row(out, "dead?")).toBe(
      "not known: nobody has tried it; the revoke asked for 2026-11-22 11:59:00Z (60 s ago) is not accepted",
    );
    expect(row(out, "undo?")).toBe(
      `no: the provider may have taken the revoke of ${keyId}, which is final; no secret of ours held it`,
    );
  });

  test.each([
    [{ state: "waiting" }, "nothing was done to the key yet; billing-key goes on with key_FAKE9"],
    [{ state: "waiting", undoneAtMs: NOON_MS }, /^the quarantine was undone; billing-key goes on with/],
    [{ ...dead, deadAtMs: NOON_MS }, /^no: a revoke is final \(.*\); billing-key goes on with key_FAKE9$/],
    [{ ...dead, how: "alreadyDead" }, /^no: .* was dead before Rekey asked; billing-key goes on/],
  ] as const)("what cannot be undone names the key that goes on: %j", async (key, answer) => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const promoted = { replacement: "promoted" as const, promotedAtMs: NOON_MS, incomingKeyId: "key_FAKE9" };
    await becomes(incidentId, {
      keys: [{ ...keyOf(keyId), ...key }],
      secrets: [secretOf({ keyId, ...promoted })],
    });

    const undo = row((await cli(`incident show ${incidentId}`)).out, "undo?");

    if (typeof answer === "string") expect(undo).toBe(answer);
    else expect(undo).toMatch(answer);
  });

  test("a key whose containment fails comes with a command that can be pasted, and its reason beside it", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const blocked = "ProviderUnavailable: openai answered 503";
    await becomes(incidentId, { keys: [{ ...keyOf(keyId), state: "revoking", blocked: { why: blocked } }] });

    const shown = await cli(`incident show ${incidentId}`);
    const [what, command] = todo(shown.out, "you");

    expect(what).toBe(
      `Rekey goes on trying (${blocked}); to be sooner, by hand: open ` +
        `https://platform.openai.com/settings/organization/api-keys and disable or delete key ${keyId}, or ` +
        "(paste OPENAI_ADMIN_KEY; the shell does not show it):",
    );
    expect(command).toMatch(
      /^read -rs OPENAI_ADMIN_KEY && curl -X DELETE "https:.*\/projects\/proj_FAKE\w*\/api_keys\/key_FAKE\w+" -H "[^"]+"$/,
    );
    expect((await cli(`--json incident show ${incidentId}`)).json()).toMatchObject({
      answers: { commands: { you: [command], undo: [] } },
    });
  });

  test("a machine that has ended is started again by a person's order, also by a second one", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    const word = { by: "anna", reason: "now", atMs: NOON_MS };
    await becomes(incidentId, { status: "needsPerson", containNow: word });

    expect(todo((await cli(`incident show ${incidentId}`)).out, "you")).toEqual([
      "if it is the right key, let Rekey revoke it:",
      `rekey incident contain-now ${incidentId} --reason 'decided on call'`,
    ]);
  });

  test("the runbook that the last page led to is named, until the incident is over", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    expect((await cli(`incident show ${incidentId}`)).out).not.toContain("runbook: ");
    const sent = { atMs: NOON_MS, severity: "page" as const, why: "full", delivered: ["sns"], failed: [] };
    const pages = [
      { ...sent, reason: "opened" as const },
      { ...sent, reason: "replacementFailed" as const },
    ];
    await becomes(incidentId, { pages });

    const { out } = await cli(`incident show ${incidentId}`);
    expect(out.split("\n").at(-1)).toBe("runbook: docs/runbooks/replacement-failed.md");
    await becomes(incidentId, { status: "closed", closedAtMs: NOON_MS });
    expect((await cli(`incident show ${incidentId}`)).out).not.toContain("runbook: ");
  });

  test("a key that no policy reaches is deleted by hand: there is nothing to order", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const { secretArn: _, account: __, ...elsewhere } = keyOf(keyId);
    await becomes(incidentId, { plan: "person", keys: [elsewhere], secrets: [] });

    const { out } = await cli(`incident show ${incidentId}`);
    expect(out).toMatch(/ open https:.* and disable or delete key key_FAKE\w+\n/);
    expect(out).not.toContain("contain-now");
  });

  test("a replacement that a person has to make is asked for", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    await becomes(incidentId, { secrets: [secretOf({ keyId, supplyWanted: true })] });

    expect(todo((await cli(`incident show ${incidentId}`)).out, "you")).toEqual([
      "make a new key for billing-key by hand:",
      "rekey supply billing-key",
    ]);
  });

  test.each([
    ["met", { status: "closed", keys: { ...dead, deadAtMs: NOON_MS } }],
    ["missed", { status: "closed", keys: { ...dead, deadAtMs: NOON_MS + 16 * minute } }],
    ["waived", { status: "closed", keys: { waiver: { by: "anna", reason: "gone", atMs: NOON_MS } } }],
    ["(a false alarm)", { status: "falseAlarm", keys: {} }],
  ] as const)("the deadline of an incident that is over was %s", async (word, { status, keys }) => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    await becomes(incidentId, { status, keys: [{ ...keyOf(keyId), ...keys }] });

    const [head] = (await cli(`incident show ${incidentId}`)).out.split("\n");

    expect(head).toMatch(new RegExp(`deadline 2026-11-22 12:15:00Z ${word.replace(/[()]/g, "\\$&")}$`));
  });

  test("a mistyped id is met with what may have been meant", async () => {
    const { cli, incidentId } = await openIncident();

    const { code, err } = await cli(`incident show ${incidentId.replace("i-", "j-")}`);

    expect(code).toBe(1);
    expect(err).toContain(`did you mean ${incidentId}?`);
  });

  test("so is that of an incident that is over", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    await becomes(incidentId, { status: "closed" });

    const { err } = await cli(`incident show ${incidentId.replace("i-", "j-")}`);

    expect(err).toContain(`did you mean ${incidentId}?`);
  });

  test("a key that nothing matches is called unknown, once", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    const { keyId: _, secretArn: __, provider: ___, account: ____, ...stranger } = keyOf("any");
    const unknown = { ...stranger, fingerprint: `sha1:${"ab".repeat(20)}`, standing: "unknown" as const };
    const match = { by: "none" as const, text: unknown.fingerprint };
    await becomes(incidentId, { keys: [unknown], secrets: [], match });

    expect(row((await cli(`incident show ${incidentId}`)).out, "key")).toBe(
      `unknown: nothing under Rekey matches sha1:${"ab".repeat(20)}`,
    );
  });

  test("triage is said to be triage, and promises no page", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    await becomes(incidentId, {
      subject: triageSubject,
      keys: [],
      secrets: [],
      match: { by: "none", text: "x" },
    });

    const { out } = await cli(`incident show ${incidentId}`);

    expect(row(out, "key")).toBe(
      "none in particular: too many alerts named no exact key, and 1 of them is triaged here",
    );
    expect(row(out, "rekey does")).not.toContain("if not dead by then");
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
    expect(row((await cli(`incident show ${incidentId}`)).out, "plan")).toBe(
      "contain-first: an authenticated person reported it; contain now, ordered by anna as operator: checkout is down",
    );
    const starts = world.executions.started.length;

    await becomes(incidentId, { status: "needsPerson" });
    expect((await cli(say("contain-now", incidentId))).out).toContain("the machine was started again");

    expect(world.executions.started).toHaveLength(starts + 1);
    expect(await world.ledger.incidents.incident(incidentId)).toMatchObject({
      containNow: { reason: "checkout is down" },
    });
  });

  test("switch-first needs to know which key would wait", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    await becomes(incidentId, { match: { by: "none", text: "sha1:FAKE" } });

    expect((await cli(say("switch-first", incidentId))).err).toContain(
      "the key matches nothing that Rekey knows: containment waits for you",
    );
  });

  test("contain-now is refused where nobody knows which key that would be", async () => {
    const { cli, incidentId, becomes } = await openIncident();
    const { keyId: _, ...unknown } = keyOf("any");
    await becomes(incidentId, { keys: [unknown] });

    const { code, err } = await cli(say("contain-now", incidentId));

    expect(code).toBe(1);
    expect(err).toContain("rekey compromise --key-stdin --dry-run");
  });

  test("contain-now is refused where no policy reaches the provider, and taken once one does", async () => {
    const { cli, incidentId, becomes, world } = await openIncident();
    const policy = await world.ledger.policy(arnOf("billing-key"));
    if (policy === undefined) throw new Error("billing-key is under no policy");
    const { keyId } = world.provider.addKey({ name: "by hand" });
    const { secretArn: _, account: __, ...reported } = keyOf(keyId);
    await becomes(incidentId, {
      keys: [{ ...reported, provider: "groq" }],
      match: { by: "none", text: keyId },
    });

    const { code, err } = await cli(say("contain-now", incidentId));
    expect(code).toBe(1);
    expect(err).toContain(`no policy covers an account of groq with it, so Rekey cannot revoke key ${keyId}`);
    expect(err).toContain("`mode: index` is enough");
    expect((await world.ledger.incidents.incident(incidentId))?.containNow).toBeUndefined();

    await becomes(incidentId, { keys: [{ ...reported, provider: "openai" }] });
    expect((await cli(say("contain-now", incidentId))).code).toBe(0);
    expect(await world.ledger.incidents.incident(incidentId)).toMatchObject({
      containNow: { reason: "checkout is down" },
      keys: [{ account: "main", secretArn: expect.stringContaining("key") }],
    });
  });

  test("contain-now is refused for a provider without a call that revokes", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    await becomes(incidentId, {
      keys: [{ ...keyOf(keyId), byHand: true, blocked: { why: "cohere has no call" } }],
    });

    expect((await cli(say("contain-now", incidentId))).err).toContain("cohere has no call");
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
      "not proven: waived by anna as operator (checkout is down)",
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
    expect(todo((await cli(`incident show ${incidentId}`)).out, "undo?")).toEqual([
      "yes, until it is revoked:",
      `rekey incident undo-quarantine ${incidentId} --reason "..."`,
    ]);

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

    expect(out).toContain(`the revoke of ${keyId} had begun, and is not undone`);
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
    expect(err).toContain("no channel delivered the page (sns)");
  });

  test("escalate says that the incident it pages about is over", async () => {
    const { cli, incidentId, becomes, pages } = await openIncident();
    await becomes(incidentId, { status: "falseAlarm" });

    expect((await cli(say("escalate", incidentId))).out).toContain("the incident is over");
    expect(pages).toMatchObject([
      { why: expect.stringContaining("(the incident is over): checkout is down") },
    ]);
  });

  test.each([
    ["", "reason is empty"],
    ["x".repeat(181), "reason is longer than 180 characters"],
    ["one\nline", "reason has to be one line, without control characters"],
  ])("a reason that cannot be kept is refused in words: %j", async (reason, err) => {
    const { cli, incidentId } = await openIncident();

    const refused = await cli(["incident", "note", incidentId, "--reason", reason]);

    expect(refused).toMatchObject({ code: 2, err: `rekey: error: ${err}` });
    expect((await cli("incident note --help")).out).toContain("at most 180 characters");
  });

  test("needs a reason, and an incident that exists", async () => {
    const { cli, incidentId } = await openIncident();

    expect((await cli(["incident", "contain-now", incidentId])).code).toBe(2);
    expect((await cli(say("note", "i-nothing"))).err).toContain("there is no incident i-nothing");
  });
});

test("a report of a key that was seen dead is no success: nothing will happen, and it says so", async () => {
  const { cli, incidentId, keyId, becomes } = await openIncident();
  const dead = { ...keyOf(keyId), state: "dead" as const, deadAtMs: NOON_MS };
  await becomes(incidentId, { status: "closed", closedAtMs: NOON_MS, keys: [dead] });

  const { code, err } = await cli("compromise billing-key --public");

  expect(code).not.toBe(0);
  expect(err).toContain(`nothing will happen: ${incidentId} ended: key ${keyId} was seen dead`);
});
