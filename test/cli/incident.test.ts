import type { IncidentRecord } from "../../core/incident-record.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import type { Page } from "../../functions/incident-ports.ts";
import { arnOf, NOON_MS } from "../contract/admin-world.ts";
import { sample } from "../core/intake/samples.ts";
import { appliedWorld, type CliOptions, rekey } from "./cli-world.ts";

const minute = 60_000;

/** Two secrets of one provider, and channels that take every page. */
async function newWorld() {
  const { world, keys } = await appliedWorld({ "billing-key": "", "search-key": "" });
  const pages: Page[] = [];
  const channels = { areDown: false };
  Object.assign(world.deps, {
    incident: {
      escalator: {
        page: async (page: Page) => {
          pages.push(page);
          return channels.areDown ? { delivered: [], failed: ["sns"] } : { delivered: ["sns"], failed: [] };
        },
      },
    },
  });
  const cli = (line: string | readonly string[], options?: CliOptions) => rekey(world, line, options);
  const only = async (): Promise<IncidentRecord> => {
    const [record, other] = await world.ledger.incidents.incidents();
    if (record === undefined || other !== undefined) throw new Error("not exactly one incident");
    return record;
  };
  /** What the machine would have done meanwhile. */
  const becomes = (incidentId: string, changes: Partial<IncidentRecord>) =>
    world.ledger.incidents.changeIncident(incidentId, (now) => ({ ...now, seq: now.seq + 1, ...changes }));
  return { world, keys, pages, channels, cli, only, becomes };
}

/** An incident about the current key of billing-key, as far as `changes` says. */
async function openIncident(changes: Partial<IncidentRecord> = {}) {
  const told = await newWorld();
  await told.cli("compromise billing-key --public");
  const { incidentId } = await told.only();
  const key = told.keys["billing-key"];
  const record = await told.becomes(incidentId, {
    ...{
      status: "open",
      plan: "contain-first",
      planWhy: "an authenticated person reported it",
      openedAtMs: NOON_MS,
    },
    ...{ takenUpAtMs: NOON_MS, escalateAtMs: NOON_MS + 5 * minute },
    keys: [{ ...keyOf(key?.keyId ?? ""), fingerprint: fingerprintOf(key?.secret.reveal() ?? "") }],
    secrets: [secretOf({ keyId: key?.keyId ?? "" })],
    ...changes,
  });
  return { ...told, incidentId, record, keyId: key?.keyId ?? "" };
}

function keyOf(keyId: string): IncidentRecord["keys"][number] {
  return {
    ...{ keyId, account: "main", provider: "openai", standing: "current", secretArn: arnOf("billing-key") },
    ...{ state: "waiting", probes: 0, refusals: 0 },
  };
}

function secretOf(changes: Partial<IncidentRecord["secrets"][number]>): IncidentRecord["secrets"][number] {
  return {
    ...{
      secretArn: arnOf("billing-key"),
      name: "billing-key",
      environment: "production",
      standing: "current",
    },
    ...{ replacement: "pending", behind: [], moved: [] },
    ...changes,
  };
}

const row = (out: string, name: string): string =>
  out
    .split("\n")
    .find((line) => line.startsWith(name))
    ?.slice(name.length)
    .trim() ?? "";

describe("rekey compromise", () => {
  test("a secret's current key opens one incident, and a repeat joins it", async () => {
    const { cli, only, world } = await newWorld();

    const first = await cli("compromise billing-key --public");
    const again = await cli("compromise billing-key");

    expect(first.code).toBe(0);
    const { incidentId, alerts } = await only();
    expect(first.out).toBe(`1 incident: ${incidentId}\nfollow it with: rekey incident show ${incidentId}`);
    expect(again.out).toBe(first.out);
    expect(alerts.map(({ source, exposure }) => [source, exposure])).toEqual([
      ["person", "public"],
      ["person", "unknown"],
    ]);
    expect(await world.told("rekey")).toContain("CompromiseReported by anna");
  });

  test("the key from a pipe is hashed here: it is in no request and in no log", async () => {
    const { cli, only, keys, world } = await newWorld();
    const key = keys["billing-key"]?.secret.reveal() ?? "";
    const sent: string[] = [];
    const { send } = world;
    world.send = async (body, principal) => {
      sent.push(JSON.stringify(body));
      return send(body, principal);
    };

    const { code } = await cli("compromise --key-stdin", { stdin: `"${key}"\n` });

    expect(code).toBe(0);
    expect((await only()).match.by).toBe("fingerprint");
    expect(sent).toHaveLength(1);
    expect(sent.join()).toContain(fingerprintOf(key));
    expect(JSON.stringify([sent, world.table.dump(), world.logs])).not.toContain(key);
  });

  test("a dry run shows keys, consumers, reversibility and outage, and changes nothing", async () => {
    const { cli, world, keys } = await newWorld();
    const before = JSON.stringify(world.table.dump());

    const { out } = await cli("compromise billing-key --public --dry-run");

    expect(out.split("\n")).toEqual([
      expect.stringMatching(`^key ${keys["billing-key"]?.keyId}, found by fingerprint sha256:`),
      "  plan: contain-first (person saw the key in public)",
      "  held by billing-key in production: current",
      "  deleted at once, which cannot be undone",
      "  billing in production: outage some seconds: it refreshes when it is refused",
      "nothing was done; leave --dry-run away to go on",
    ]);
    expect(JSON.stringify(world.table.dump())).toBe(before);
  });

  test("a key that nobody knows is reported all the same, and the dry run says so", async () => {
    const { cli, only } = await newWorld();
    const stdin = "sk-FAKE-nobody-knows-this-one";

    expect((await cli("compromise --key-stdin --dry-run", { stdin })).out).toContain(
      "no secret under Rekey holds it",
    );
    await cli("compromise --key-stdin", { stdin });

    expect(await only()).toMatchObject({ match: { by: "none" }, plan: "person" });
  });

  test.each([
    ["--provider-account main", "provider account main"],
    ["--consumer billing", "consumer billing"],
    ["--repo acme/billing", "repository acme/billing"],
  ])("%s opens one parent with a checklist of every key", async (target, title) => {
    const { cli, world } = await newWorld();

    const { out, code } = await cli(`compromise ${target}`);

    expect(code).toBe(0);
    const all = await world.ledger.incidents.incidents();
    const parent = all.find(({ checklist }) => checklist.length > 0);
    const children = all.filter(({ parentId }) => parentId === parent?.incidentId);
    expect(parent).toMatchObject({ match: { text: title } });
    expect(parent?.checklist.map((entry) => entry.title).sort()).toEqual(["billing-key", "search-key"]);
    expect(children).toHaveLength(2);
    expect(out.split("\n")[0]).toBe(`checklist ${parent?.incidentId}`);
    const shown = await cli(`incident show ${parent?.incidentId}`);
    expect(shown.out).toContain("0 of 0 keys observed dead; 2 incidents of 2 not over");
    expect(shown.out).toMatch(/\[ \] {2}billing-key {2}i-/);
  });

  test("what covers nothing is refused with what may have been meant", async () => {
    const { cli } = await newWorld();

    expect((await cli("compromise --consumer biling")).err).toContain("did you mean billing?");
    expect((await cli("compromise")).err).toContain("say what leaked");
    expect((await cli("compromise billing-key --consumer billing")).err).toContain("say what leaked");
    expect((await cli("compromise --key-stdin", { stdin: "short" })).code).toBe(2);
  });
});

describe("rekey report", () => {
  test("only fingerprints of a scanner's findings are sent", async () => {
    const { cli, world, keys } = await newWorld();
    const key = keys["billing-key"]?.secret.reveal() ?? "";
    const finding = {
      DetectorName: "OpenAI",
      Verified: true,
      Raw: key,
      RawV2: "",
      SourceMetadata: { Data: {} },
    };
    const files = { "found.ndjson": `${JSON.stringify(finding)}\n` };

    const { out, code } = await cli("report found.ndjson", { files });

    expect(code).toBe(0);
    expect(out).toMatch(/^1 finding reported, 0 ignored\n1 incident: i-/);
    expect(JSON.stringify([world.table.dump(), world.logs])).not.toContain(key);
  });

  test.each(["trufflehog.ndjson", "gitleaks.json", "gitleaks-sarif.json", "report.json"])(
    "the format of %s is found out",
    async (name) => {
      const { cli } = await newWorld();
      const files = { [name]: sample(name).toString() };

      const { out, code, err } = await cli(`report ${name}`, { files });

      expect([code, err]).toEqual([0, ""]);
      expect(out).toMatch(/^\d+ findings? reported/);
    },
  );

  test("a report that was cut off is refused whole", async () => {
    const { cli, world } = await newWorld();
    const files = { "cut.json": sample("gitleaks.json").toString().slice(0, -20) };

    const { code, err } = await cli("report cut.json", { files });

    expect(code).toBe(2);
    expect(err).toContain("is not JSON: was it cut off?");
    expect(await world.ledger.incidents.incidents()).toEqual([]);
  });
});

describe("rekey incident show", () => {
  test("answers in its first lines, from the ledger alone", async () => {
    const { cli, incidentId, keyId } = await openIncident();

    const { out, code } = await cli(`incident show ${incidentId}`, { admin: false });

    expect(code).toBe(0);
    expect(out.split("\n").slice(0, 8)).toEqual([
      `${incidentId}  open  detected 2026-11-22 12:00:00Z (0.0 s ago), deadline 2026-11-22 12:15:00Z (in 15 min)`,
      "dead?        no: it works, and no revoke was accepted",
      expect.stringMatching(
        `^key          ${keyId} at openai \\(main\\), current; matched by fingerprint sha256:`,
      ),
      "plan         contain-first: an authenticated person reported it",
      "failing now  nobody: the key still works; not moved yet: billing-key",
      "rekey does   waits: the replacement has a head start, until 2026-11-22 12:00:10Z (in 10 s); replaces the key of billing-key; pages now",
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
      "not yet: revoke accepted 2026-11-22 11:59:00Z (60 s ago), still watched (3 probes, 2 refused in a row)",
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
      `Or by hand: open https://dashboard.cohere.com/api-keys and disable or delete key ${keyId}`,
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

  test("a false alarm ends the incident, wakes its machine, and brings nothing back that was revoked", async () => {
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
