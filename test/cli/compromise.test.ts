import { StoreUnavailable } from "../../core/errors.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { openIncident } from "../../functions/incident/open-incident.ts";
import { arnOf, fileWith, NOON_MS } from "../contract/admin-world.ts";
import { sample } from "../core/intake/samples.ts";
import { newWorld, secretOf } from "./incident-world.ts";

/** What both secrets' one consumer says of its repositories, and then what search-key itself says. */
async function declare(cli: Awaited<ReturnType<typeof newWorld>>["cli"], consumer: string, secret = "") {
  const block = `provider: main, rotate: { every: 30d }, consumers: [{ name: billing, ${consumer} }]`;
  const plain = "provider: main, rotate: { every: 30d }, consumers: [{ name: billing }]";
  const file = fileWith({
    secrets: { "billing-key": block, "search-key": secret === "" ? plain : `${plain}, ${secret}` },
  });
  expect((await cli("apply", { files: { "rekey.yml": file } })).err).toBe("");
}

/** Everything but the orders that were spent: an order counts once, also a dry run's. */
function stored({ table }: { readonly table: { dump(): readonly { readonly kind: string }[] } }): string {
  return JSON.stringify(table.dump().filter(({ kind }) => kind !== "ORDER"));
}

describe("rekey compromise", () => {
  test("a secret's current key opens one incident, and a repeat joins it", async () => {
    const { cli, only, world } = await newWorld();

    const first = await cli("compromise billing-key --public");
    const again = await cli("compromise billing-key");

    expect(first.code).toBe(0);
    const { incidentId, alerts } = await only();
    expect(first.out).toBe(`1 incident: ${incidentId}\nfollow it with: rekey watch ${incidentId}`);
    expect(again.out).toBe(`${first.out}\njoined, since the key has one already: ${incidentId}`);
    expect(alerts.map(({ source, exposure }) => [source, exposure])).toEqual([
      ["person", "public"],
      ["person", "unknown"],
    ]);
    expect(await world.told("rekey")).toContain("CompromiseReported by anna");
  });

  test("why a person reported it stands in the record and on the screen", async () => {
    const { cli, only } = await newWorld();
    await cli([..."compromise billing-key --plan contain-first --reason".split(" "), "laptop stolen"]);
    const record = await only();
    expect(record).toMatchObject({
      alerts: [{ reason: "laptop stolen" }],
      planAsked: { plan: "contain-first", reason: "laptop stolen", by: expect.stringMatching(/anna$/) },
    });
    expect((await cli(`incident show ${record.incidentId}`)).out).toContain("laptop stolen");

    await cli(["compromise", "billing-key", "--reason", "and seen in a chat"]);
    expect((await only()).timeline.at(-1)?.detail).toMatch(/: and seen in a chat$/);
  });

  test.each(["contain-first", "switch-first"] as const)(
    "a person's --plan %s is an order to an incident that is open already",
    async (plan) => {
      const { cli, only, becomes } = await newWorld();
      await cli("compromise billing-key");
      const { incidentId } = await only();
      const before = plan === "contain-first" ? ("switch-first" as const) : ("contain-first" as const);
      await becomes(incidentId, { status: "open", plan: before });

      await cli(["compromise", "billing-key", "--plan", plan, "--reason", "my call"]);

      expect(await only()).toMatchObject({
        ...{ plan, planAsked: { plan, reason: "my call" } },
        planWhy: expect.stringMatching(/^ordered by .*anna: my call$/),
      });
    },
  );

  test("a person's --plan and reason count when another report of the key opens the incident first", async () => {
    const { cli, only, world } = await newWorld();
    const { put } = world.table;
    world.table.put = async (record) => {
      world.table.put = put;
      await cli("compromise billing-key");
      return put(record);
    };

    const { out } = await cli([
      ..."compromise billing-key --plan switch-first --reason".split(" "),
      "my call",
    ]);

    const { incidentId, plan, planAsked, alerts } = await only();
    expect({ plan, planAsked }).toMatchObject({
      plan: "switch-first",
      planAsked: { plan: "switch-first", reason: "my call" },
    });
    expect(alerts.map(({ reason }) => reason)).toEqual([expect.any(String), "my call"]);
    expect(out).toContain(`joined, since the key has one already: ${incidentId}`);
    expect(world.executions.started).toHaveLength(1);
  });

  test("a plan that comes too late is refused aloud, and the report counts all the same", async () => {
    const { cli, only, becomes } = await newWorld();
    await cli("compromise billing-key");
    const { incidentId, keys } = await only();
    await becomes(incidentId, { status: "open", keys: keys.map((key) => ({ ...key, state: "accepted" })) });

    const { out } = await cli("compromise billing-key --plan switch-first");

    expect(out).toContain(`the plan of ${incidentId} stays as it is: the revoke is under way or done`);
    expect((await only()).alerts).toHaveLength(2);
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

  test.each([
    ["a .env file", (key: string) => `OPENAI_API_KEY=${key}\n`],
    ["a shell", (key: string) => `export OPENAI_API_KEY="${key}"  # main`],
    ["JSON", (key: string) => `"apiKey": "${key}",`],
    ["YAML", (key: string) => `  api_key: '${key}'`],
    ["a header", (key: string) => `Authorization: Bearer ${key}`],
  ])("the key is found in a whole line of %s", async (_where, line) => {
    const { cli, keys } = await newWorld();
    const key = keys["billing-key"];

    const { out } = await cli("compromise --key-stdin --dry-run", {
      stdin: line(key?.secret.reveal() ?? ""),
    });

    expect(out).toContain(`key ${key?.keyId}, found by fingerprint`);
  });

  test("several named lines are refused: only one of them may have leaked", async () => {
    const { cli } = await newWorld();
    const { code, err } = await cli("compromise --key-stdin", { stdin: "A=FAKE-one-key\nB=FAKE-two-key" });
    expect([code, err]).toEqual([2, expect.stringContaining("that names several values")]);
  });

  test("a dry run shows keys, consumers, reversibility and outage, and changes nothing", async () => {
    const { cli, world, keys } = await newWorld();
    const before = stored(world);

    const { out } = await cli("compromise billing-key --public --dry-run");

    expect(out.split("\n")).toEqual([
      expect.stringMatching(`^key ${keys["billing-key"]?.keyId}, found by fingerprint sha256:`),
      "  plan: contain-first (person saw the key in public)",
      "  held by billing-key in production: current",
      "  deleted at once, which cannot be undone",
      "  billing in production: outage some seconds: it refreshes when it is refused",
      "nothing was done; leave --dry-run away to go on",
    ]);
    expect(stored(world)).toBe(before);
  });

  test.each([
    [{ quarantine: "ifScopesKnown", quarantineContains: false }, "current", "  deleted at once"],
    [{ quarantine: "ifScopesKnown", quarantineContains: true }, "current", "  disabled first"],
    [{ quarantine: "yes", quarantineContains: true }, "quarantined", "  deleted at once"],
  ] as const)("what can be undone is what containment would do: %j of a %s key", async (can, state, line) => {
    const { cli, world, keys } = await newWorld();
    const { provider } = world.deps;
    const able = (policy: Parameters<typeof provider>[0]) => {
      const adapter = provider(policy);
      return { ...adapter, capabilities: { ...adapter.capabilities, ...can } };
    };
    Object.assign(world.deps, { provider: able });
    await world.ledger.changeSecret(arnOf("billing-key"), (record) => ({
      ...record,
      keys: record.keys.map((key) => ({ ...key, state, scopes: ["model.read"] })),
    }));

    const leaked = fingerprintOf(keys["billing-key"]?.secret.reveal() ?? "");
    expect((await cli(`compromise --fingerprint ${leaked} --dry-run`)).out).toContain(line);
  });

  test("a dry run foretells what the incident decides: a secret that is only watched declares none", async () => {
    const { cli, only, world, keys } = await newWorld();
    const fingerprint = fingerprintOf(keys["billing-key"]?.secret.reveal() ?? "");
    const secretArn = arnOf("search-key");
    const policy = await world.ledger.policy(secretArn);
    if (policy === undefined) throw new Error("search-key has no policy");
    const incident = { ...policy.incident, plan: "switch-first" as const };
    await world.ledger.putPolicy({ ...policy, mode: "index", incident });
    await world.ledger.putHolder({ fingerprint, secretArn, versionId: "v-1", role: "index" });

    const { out } = await cli("compromise billing-key --public --dry-run");
    await cli("compromise billing-key --public");
    const { incidentId, executionArn = "" } = await only();
    await openIncident.run({ incidentId, executionArn, at: NOON_MS }, world.depsOf("open-incident"));

    const { plan, planWhy } = await only();
    expect(plan).toBe("contain-first");
    expect(out).toContain(`plan: ${plan} (${planWhy})`);
    expect(out).toContain("held by search-key in production");
  });

  test("a key that nobody knows is reported all the same, and the dry run says so", async () => {
    const { cli, only } = await newWorld();
    const stdin = "sk-FAKE-nobody-knows-this-one";

    expect((await cli("compromise --key-stdin --dry-run", { stdin })).out).toMatch(
      /^no key that Rekey knows matches this fingerprint\n.*\n {2}no secret under Rekey holds it\n/,
    );
    await cli("compromise --key-stdin", { stdin });

    expect(await only()).toMatchObject({ match: { by: "none" }, plan: "person" });
  });

  test("an admin credential of Rekey's own is called by its name before anything is reported", async () => {
    const { cli, only, world } = await newWorld();
    const stdin = world.provider.adminKey;

    const { out } = await cli("compromise --key-stdin --dry-run", { stdin });
    expect(out).toContain("plan: person (it is the openai admin credential of billing-key, search-key: ");
    expect(out).not.toContain("no secret under Rekey holds it");

    await cli("compromise --key-stdin", { stdin });
    expect(await only()).toMatchObject({ keys: [{ role: "admin" }], plan: "person" });

    const { incidentId } = await only();
    const again = await cli("compromise --key-stdin --plan contain-first", { stdin });
    expect(again.out).toContain(
      `the plan of ${incidentId} stays as it is: it is a credential of Rekey's own`,
    );
    expect(again.out).toContain(`rekey incident show ${incidentId}`);
    expect(await only()).toMatchObject({ plan: "person" });
  });

  test.each([
    ["--provider-account main", "provider account main"],
    ["--consumer billing", "consumer billing"],
    ["--repo acme/billing", "repository acme/billing"],
  ])("%s opens one parent with a checklist of every key", async (target, title) => {
    const { cli, world, becomes } = await newWorld();
    await declare(cli, "repositories: [github.com/acme/billing, acme/billing]");

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
    expect(shown.out).toMatch(/^dead\? +no: 0 of 2 keys observed dead; 2 incidents of 2 not over$/m);
    expect(shown.out).toMatch(/\[ \] {2}billing-key {2}i-/);

    const done = { state: "dead" as const, deadAtMs: NOON_MS };
    for (const { incidentId, keys } of children) {
      expect((await cli("incident list")).out).toMatch(new RegExp(`^${parent?.incidentId} +open`, "m"));
      await becomes(incidentId, {
        status: "closed",
        closedAtMs: NOON_MS,
        keys: keys.map((key) => ({ ...key, ...done })),
      });
    }
    expect((await cli("incident list")).out).toBe("no incident is open");
    expect((await cli("incident list --all")).out).toMatch(new RegExp(`^${parent?.incidentId} +closed`, "m"));
    expect(await world.ledger.incidents.openIncidents()).toEqual([]);
    const over = await cli(`incident show ${parent?.incidentId}`);
    expect(over.out).toMatch(/^p-[\w-]+ {2}closed/);
    expect(over.out).toMatch(/^dead\? +yes: 2 of 2 keys observed dead/m);
  });

  test("a checklist is there before its first key is reported, and shows which one was not", async () => {
    const { cli, world } = await newWorld();
    const { start } = world.executions;
    world.deps.executions.start = async (run) => {
      if (world.executions.started.length === 1) throw new StoreUnavailable("StartExecution timed out");
      return start(run);
    };

    expect((await cli("compromise --consumer billing")).code).not.toBe(0);

    const parent = (await world.ledger.incidents.openIncidents()).find(
      ({ checklist }) => checklist.length > 0,
    );
    expect(parent?.checklist.map(({ incidentId }) => incidentId === undefined)).toEqual([false, true]);
    const missing = parent?.checklist[1]?.title;
    const { out } = await cli(`incident show ${parent?.incidentId}`);
    expect(out).toMatch(
      new RegExp(`^you +the report broke off: report the rest\\n +rekey compromise ${missing}$`, "m"),
    );
    expect(out).toMatch(new RegExp(`\\[ \\] {2}${missing} +no incident +not reported yet`));

    world.deps.executions.start = start;
    await cli(`compromise ${missing}`);
    expect((await cli(`incident show ${parent?.incidentId}`)).out).not.toContain("broke off");
  });

  test.each(["contain-now", "switch-first", "undo-quarantine", "false-alarm", "waive"])(
    "%s on a checklist answers with the command for each of its incidents that is open",
    async (order) => {
      const { cli, world, becomes } = await newWorld();
      await cli("compromise --consumer billing");
      const all = await world.ledger.incidents.incidents();
      const parent = all.find(({ checklist }) => checklist.length > 0);
      const [first, second] = all.filter(({ checklist }) => checklist.length === 0);
      await becomes(first?.incidentId ?? "", { status: "closed" });

      const { code, err } = await cli(`incident ${order} ${parent?.incidentId} --reason why`);

      expect(code).toBe(1);
      expect(err).toContain("is a checklist: each of its keys has an incident of its own");
      expect(err).toContain(`rekey incident ${order} ${second?.incidentId} --reason '...'`);
      expect(err).not.toContain(first?.incidentId);
      expect(await world.ledger.incidents.incident(parent?.incidentId ?? "")).toMatchObject({
        status: "open",
      });
    },
  );

  test.each([
    ["evil/billing", 0],
    ["billing", 0],
    ["acme/billing-old", 0],
    ["acme/billing", 2],
    ["ACME/billing.git", 2],
    ["https://github.com/acme/billing", 0],
    ["acme/search", 1],
    ["gitlab.com/acme/group/shop", 1],
    ["acme/group", 0],
    ["acme/shop", 1],
    ["github.com/acme/shop", 1],
    ["gitlab.com/acme/shop", 0],
    ["shop", 0],
    ["acme/lib", 1],
    ["acme/clone", 1],
  ])("--repo %s covers %i keys: what a policy names and alerts saw, and no guess", async (name, count) => {
    const { cli, world, becomes } = await newWorld();
    await declare(cli, "repositories: [acme/billing]", "repositories: [acme/search]");
    await cli("compromise search-key --where https://github.com/acme/shop/blob/main/.env#L7");
    const [seen] = await world.ledger.incidents.incidents();
    const [alert] = seen?.alerts ?? [];
    const where = ["https://gitlab.com:8443/acme/group/shop/-/blob/x", "git@github.com:acme/clone.git a:1"];
    await becomes(seen?.incidentId ?? "", {
      secrets: [{ ...secretOf({}), secretArn: arnOf("search-key"), name: "search-key" }],
      alerts: [alert, { ...alert, where, sourceId: "acme/lib#7" }] as never,
    });

    const { out, err } = await cli(`compromise --dry-run --repo ${name}`);

    expect(out.split("\n").filter((line) => line.startsWith("key "))).toHaveLength(count);
    if (count === 0) expect(err).toContain("rekey: hint: ");
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

  test.each([
    ["TruffleHog's", ""],
    ["TruffleHog's, with a line break", "\n"],
    ["gitleaks'", "[]\n"],
    ["gitleaks', spread out", "[\n]\n"],
    ["an older gitleaks'", "null\n"],
  ])("a clean scan is no mistake: %s", async (_whose, text) => {
    const { cli, world } = await newWorld();

    const { out, code, err } = await cli("report clean", { files: { clean: text } });

    expect([code, err]).toEqual([0, ""]);
    expect(out).toBe("0 findings reported, 0 ignored");
    expect(await world.ledger.incidents.incidents()).toEqual([]);
  });

  test.each([
    ["TruffleHog's older JSON", (key: string) => ({ reason: "OpenAI", stringsFound: [key], path: "a" })],
    ["Betterleaks'", (key: string) => [{ ruleID: "openai", secret: key }]],
    ["with an unreadable character", (Raw: string) => ({ DetectorName: "\uFFFD", Raw })],
  ])("the key is found in a report: %s", async (_whose, reportOf) => {
    const { cli, keys, only } = await newWorld();
    const text = JSON.stringify(reportOf(keys["billing-key"]?.secret.reveal() ?? ""));

    const { code, out } = await cli("report found", { files: { found: text } });

    expect([code, out.split("\n")[0]]).toEqual([0, "1 finding reported, 0 ignored"]);
    expect((await only()).match.by).toBe("fingerprint");
  });

  test("a report that was cut off is refused whole", async () => {
    const { cli, world } = await newWorld();
    const files = { "cut.json": sample("gitleaks.json").toString().slice(0, -20) };

    const { code, err } = await cli("report cut.json", { files });

    expect(code).toBe(2);
    expect(err).toBe("rekey: error: the report is not JSON: was it cut off?");
    expect(await world.ledger.incidents.incidents()).toEqual([]);
  });

  test("a format is asked for only where another guess may help", async () => {
    const { cli } = await newWorld();
    const files = { "odd.json": '{"runs": 7}', "image.png": "\u0089PNG\u0000\u0000" };

    expect((await cli("report odd.json", { files })).err).toMatch(
      /^rekey: error: .* is not as expected .*\nrekey: hint: say what it is with --format trufflehog\|gitleaks\|report$/,
    );
    expect((await cli("report odd.json --format gitleaks", { files })).err).not.toContain("hint");
    expect(await cli("report image.png", { files })).toMatchObject({
      code: 2,
      err: "rekey: error: image.png is not text\nrekey: hint: give the JSON that the scanner wrote",
    });
  });
});

describe("which key a report of a secret means", () => {
  /** An incident whose replacement is current already. */
  async function replaced(status: "open" | "closed") {
    const told = await newWorld();
    const { world, cli, only, becomes, keys } = told;
    const oldId = keys["billing-key"]?.keyId ?? "";
    await cli("compromise billing-key --public");
    const {
      incidentId,
      keys: [leaked],
    } = await only();
    const fresh = world.provider.addKey({ name: "replacement" });
    const fingerprint = fingerprintOf(fresh.secret.reveal());
    await world.ledger.changeSecret(arnOf("billing-key"), (now) => ({
      ...now,
      keys: [
        {
          name: "old",
          keyId: oldId,
          state: "retiring" as const,
          ...(leaked?.fingerprint !== undefined && { fingerprint: leaked.fingerprint }),
        },
        { name: "new", keyId: fresh.keyId, state: "current" as const, fingerprint, promotedAtMs: NOON_MS },
      ],
    }));
    await becomes(incidentId, {
      status,
      secrets: [secretOf({ incomingKeyId: fresh.keyId, keyId: oldId })],
      ...(status === "closed" && { closedAtMs: NOON_MS }),
    });
    return { ...told, incidentId, oldId, freshId: fresh.keyId };
  }

  test("a second report means the key of the open incident, never its healthy replacement", async () => {
    const { cli, only, incidentId, oldId } = await replaced("open");
    const { code, out } = await cli("compromise billing-key --public");
    expect(code).toBe(0);
    expect(out).toContain(`joined, since the key has one already: ${incidentId}`);
    expect((await only()).keys).toMatchObject([{ keyId: oldId }]);
  });

  test("a key younger than the last incident is not assumed, and --key-id answers the question", async () => {
    const { cli, world, freshId } = await replaced("closed");
    const asked = await cli("compromise billing-key --public");
    expect(asked.code).not.toBe(0);
    expect(asked.err).toContain("younger than its last incident");
    expect(asked.err).toContain(`rekey compromise billing-key --key-id ${freshId}`);
    expect(await world.ledger.incidents.incidents()).toHaveLength(1);

    expect((await cli(`compromise billing-key --public --key-id ${freshId}`)).code).toBe(0);
    const records = await world.ledger.incidents.incidents();
    expect(records.flatMap(({ keys }) => keys.map(({ keyId }) => keyId))).toContain(freshId);
  });

  test("an id that the secret never held is refused, and so is an id without a secret", async () => {
    const { cli } = await newWorld();
    expect((await cli("compromise billing-key --key-id key_FAKE_other")).err).toContain("never held a key");
    expect((await cli("compromise --key-id key_FAKE_other --consumer billing")).code).not.toBe(0);
  });
});
