import { addCampaignEntry } from "../../core/campaign/entries.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { advanceCampaigns } from "../../functions/campaign/advance-campaigns.ts";
import type { Page } from "../../functions/deps.ts";
import { indexedVersionAt } from "../../functions/key-index/identify-key.ts";
import { instancesIn } from "../../ledger/instances.ts";
import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { arnOf, NOON_MS } from "./admin-world.ts";

const role = (name: string, session: string) => `arn:aws:sts::111122223333:assumed-role/${name}/${session}`;
const ADA = role("operator", "ada");
const EVE = role("approver", "eve");
const minute = 60_000;

/** Secrets of one provider, a clock that a round moves on, channels and a shelf that keep what they got. */
async function campaignWorld(names: readonly string[], blocks: Readonly<Record<string, string>> = {}) {
  const { world, keys: made } = await appliedWorld(
    Object.fromEntries(names.map((name) => [name, blocks[name] ?? ""])),
  );
  const pages: Page[] = [];
  const filed = new Map<string, { readonly json: string; readonly markdown: string }>();
  const escalator = {
    page: async (page: Page) => {
      pages.push(page);
      return { delivered: ["sns"], failed: [] };
    },
  };
  const reports = {
    file: async (id: string, report: { readonly json: string; readonly markdown: string }) => {
      filed.set(id, report);
      return { path: `s3://bucket/reports/${id}.md` };
    },
  };
  Object.assign(world.deps, { escalator, reports });
  /** One look at the campaigns: the pause after it ends the round. */
  const look = async (atMs: number) => {
    class RoundOver extends Error {}
    const clock = {
      nowMs: () => atMs,
      pause: async () => {
        throw new RoundOver();
      },
    };
    const deps = { ...world.depsOf("advance-campaigns"), clock, reports };
    await advanceCampaigns.run({ time: atMs }, deps).catch((error: unknown) => {
      if (!(error instanceof RoundOver)) throw error;
    });
  };
  const cli = (line: string | readonly string[], options = {}) => rekey(world, line, options);
  const open = async (line = "compromise --all") => {
    const preview = await cli(line);
    const digest = /--digest ([0-9a-f]{64})/.exec(preview.out)?.[1] ?? "";
    return { preview, ...(await cli([...line.split(" "), "--digest", digest])) };
  };
  const campaign = async () => {
    const [first] = await world.ledger.campaigns.campaigns();
    if (first === undefined) throw new Error("no campaign");
    return first;
  };
  const keys = async () => world.ledger.campaigns.keysOf((await campaign()).campaignId);
  const started = async () =>
    (await keys()).filter(({ incidentId }) => incidentId !== undefined).map(({ name }) => name);
  /** What the machine of this secret's incident would have written meanwhile. */
  const becomes = async (name: string, change: (record: IncidentRecord) => Partial<IncidentRecord>) => {
    const key = (await keys()).find((each) => each.name === name);
    await world.ledger.incidents.changeIncident(key?.incidentId ?? "", (now) => ({ ...now, ...change(now) }));
  };
  /** What the index holds of a secret that Rekey only watches. */
  const index = async (name: string) => {
    const { secretArn = "", versionId = "", secret } = made[name] ?? {};
    const sha256 = fingerprintOf(secret?.reveal() ?? "");
    const entry = { role: "index" as const, field: null, sha256, keyId: null, hint: null };
    await world.ledger.documents.write(indexedVersionAt(secretArn, versionId), entry);
    await world.ledger.putHolder({ fingerprint: sha256, secretArn, versionId, role: "index" });
  };
  return { index, world, reports, pages, filed, look, cli, open, campaign, keys, started, becomes };
}

const scope = (name: string): IncidentRecord["secrets"][number] => ({
  ...{ secretArn: arnOf(name), name, environment: "production", standing: "current", fence: 1 },
  ...{ replacement: "adopted", behind: [], moved: [] },
});

const contained = (name: string, deadAtMs: number) => (record: IncidentRecord) => ({
  status: "closed" as const,
  closedAtMs: deadAtMs,
  keys: record.keys.map((key) => ({ ...key, state: "dead" as const, deadAtMs })),
  secrets: [scope(name)],
  certificate: { path: `s3://bucket/certificates/${name}.json`, sha256: "0".repeat(64), keyid: "k" },
});

const failed = (name: string) => () => ({
  status: "open" as const,
  secrets: [{ ...scope(name), replacement: "failed" as const, failure: "QuotaReached" }],
});

const names = ["a-key", "b-key", "c-key", "d-key", "e-key", "f-key"];

describe("rekey compromise --all", () => {
  test("shows every key and does nothing; with the preview's digest it opens one campaign", async () => {
    const { world, cli, open, keys, campaign } = await campaignWorld(names);
    const preview = await cli("compromise --all --reason breach");
    expect(preview.code).toBe(0);
    expect(preview.out).toContain("all: 6 keys, the most dangerous first");
    expect(preview.out).toContain("nothing was done");
    expect(await world.ledger.campaigns.campaigns()).toEqual([]);

    const opened = await open();
    expect(opened.out).toMatch(/^campaign c-\S+ is open\nfollow it with: rekey watch c-\S+$/);
    expect(await keys()).toHaveLength(6);
    expect(await campaign()).toMatchObject({ status: "running", deadlineAtMs: NOON_MS + 15 * minute });
    expect(await world.told("rekey")).toContain("CampaignOpened by anna");
  });

  test("refuses a digest of something else, and a target that matches nothing", async () => {
    const { world, cli } = await campaignWorld(["a-key"]);
    const other = await cli(`compromise --all --digest ${"0".repeat(64)}`);
    expect(other.err).toContain("what the campaign would do has changed since that preview");
    const unknown = await cli("compromise --provider maim");
    expect(unknown.err).toContain("did you mean main?");
    expect(await world.ledger.campaigns.campaigns()).toEqual([]);
  });

  test("waits for a second person, who confirms the digest of the same keys", async () => {
    const { world } = await campaignWorld(names);
    Object.assign(world.deps, { twoPeople: { mayAsk: ["operator"], mayApprove: ["approver"] } });
    const asked = { command: "campaign", all: true, reason: "breach" };
    const { answer: preview } = await world.send(asked, ADA);
    expect(preview).toMatchObject({ outcome: "preview" });
    const { answer } = await world.send({ ...asked, digest: preview["digest"] }, ADA);
    expect(answer).toMatchObject({ outcome: "pending", what: { covers: "all", keys: "6" } });
    expect(await world.ledger.campaigns.campaigns()).toEqual([]);

    const order = answer["order"];
    const { answer: shown } = await world.send({ command: "approve", order }, EVE);
    const same = await world.send({ command: "approve", order, digest: shown["digest"] }, ADA);
    expect(same.answer).toMatchObject({ outcome: "refused" });
    const approved = await world.send({ command: "approve", order, digest: shown["digest"] }, EVE);
    expect(approved.answer).toMatchObject({ outcome: "opened", approvedBy: EVE });
    expect(await world.ledger.campaigns.campaigns()).toMatchObject([{ by: ADA, approvedBy: EVE }]);
  });

  test("a list of names in a file, a name that no policy has, and a secret with a tag", async () => {
    const { cli } = await campaignWorld(names);
    const files = { "leaked.txt": "a-key\n# found in the dump\nb-key\n", "wrong.txt": "a-kex\n" };
    expect((await cli("compromise --file leaked.txt", { files })).out).toContain("file leaked.txt: 2 keys");
    expect((await cli("compromise --file wrong.txt", { files })).err).toContain("no policy is about a-kex");
    const account = {
      secrets: async () => [{ arn: arnOf("c-key"), name: "c-key", tags: { team: "shop" }, description: "" }],
      reads: async () => ({ records: [], gaps: [] }),
    };
    expect((await cli("compromise --tag team=shop", { account })).out).toContain("tag team=shop: 1 key");
    expect((await cli("compromise --tag team=none", { account })).err).toContain("no secret under Rekey");
  });
});

describe("the waves", () => {
  test("a canary of the account goes first, and the rest follow at the account's pace once it has moved", async () => {
    const { open, look, started, becomes, world } = await campaignWorld(names);
    await open();
    await look(NOON_MS);
    expect(await started()).toEqual(["f-key"]);
    await look(NOON_MS + 10_000);
    expect(await started()).toEqual(["f-key"]);

    await becomes("f-key", contained("f-key", NOON_MS + 12_000));
    await look(NOON_MS + 15_000);
    expect(await started()).toEqual(["a-key", "b-key", "f-key"]);
    await look(NOON_MS + 16_000);
    expect(await started()).toEqual(["a-key", "b-key", "f-key"]);
    await look(NOON_MS + 20_000);
    expect(await started()).toEqual(["a-key", "b-key", "c-key", "f-key"]);
    const [incident] = await world.ledger.incidents.incidents();
    expect(incident).toMatchObject({
      detectedAtMs: NOON_MS,
      planAsked: { plan: "switch-first", by: expect.anything() },
    });
  });

  test("a key that a stranger uses waits for no canary, and is contained first", async () => {
    const { open, look, started, world } = await campaignWorld(names);
    await open("compromise --all --abused c-key");
    await look(NOON_MS);
    expect(await started()).toContain("c-key");
    const all = await world.ledger.incidents.incidents();
    const plans = all.map(({ planAsked }) => planAsked?.plan);
    expect(plans.toSorted()).toEqual(["contain-first", "switch-first"].slice(0, plans.length));
  });

  test("a start that was cut off is taken up again, and gives one incident", async () => {
    const { open, look, started, world } = await campaignWorld(["a-key"]);
    await open();
    const { start } = world.executions;
    Object.assign(world.deps, {
      executions: {
        ...world.executions,
        start: async () => {
          throw new Error("cut off");
        },
      },
    });
    await look(NOON_MS).catch(() => undefined);
    expect(await started()).toEqual([]);
    Object.assign(world.deps, { executions: { ...world.executions, start } });
    await look(NOON_MS + 5_000);
    expect(await started()).toEqual(["a-key"]);
    expect(await world.ledger.incidents.incidents()).toHaveLength(1);
  });

  test("a failed canary pauses it and pages; resumed by a person it goes on", async () => {
    const { open, look, started, becomes, campaign, pages, cli } = await campaignWorld(names);
    await open();
    await look(NOON_MS);
    await becomes("f-key", failed("f-key"));
    await look(NOON_MS + 10_000);
    expect(await campaign()).toMatchObject({ status: "paused", paused: { by: "rekey" } });
    expect(pages.at(-1)).toMatchObject({ severity: "page", title: expect.stringContaining("it is paused") });
    expect(pages.at(-1)?.why).toContain("a canary failed: f-key: no replacement in f-key: QuotaReached");
    await look(NOON_MS + 200_000);
    expect(await started()).toEqual(["f-key"]);

    const { campaignId } = await campaign();
    const resumed = await cli(["campaign", "resume", campaignId, "--reason", "quota raised"]);
    expect(resumed.out).toBe(`campaign ${campaignId} is running`);
    await look(NOON_MS + 210_000);
    expect(await started()).toEqual(["a-key", "b-key", "c-key", "f-key"]);
  });

  test("a consumer whose requests are refused with the replacement pauses it", async () => {
    const { open, look, becomes, campaign, world } = await campaignWorld(["a-key"]);
    await open();
    await look(NOON_MS);
    await becomes("a-key", () => ({
      status: "open",
      secrets: [{ ...scope("a-key"), replacement: "recovering" }],
    }));
    await look(NOON_MS + 5_000);
    const { keys: known } = await world.ledger.secret(arnOf("a-key"));
    const fingerprint = known.find(({ state }) => state === "current")?.fingerprint ?? "";
    await instancesIn(world.ledger.documents).putInstance(arnOf("a-key"), {
      ...{ kind: "client", consumer: "billing", environment: "production", account: "111122223333" },
      ...{ observedAtMs: NOON_MS, instance: "billing-1#x", sequence: 1, maxStaleMs: minute, ended: false },
      holds: { fingerprint, versionId: "v2" },
      uses: [{ fingerprint, lastSuccessAgoMs: null, lastRefusalAgoMs: 10 }],
    });
    await look(NOON_MS + 10_000);
    expect((await campaign()).paused?.why).toContain(
      "1 instances have requests refused with the replacement",
    );
  });

  test("no look begins so late that the function's time-out would cut it off", async () => {
    const { open, world, reports } = await campaignWorld(names);
    await open();
    const looksAtMs: number[] = [];
    let nowMs = NOON_MS;
    const clock = {
      nowMs: () => nowMs,
      pause: async (ms: number) => {
        looksAtMs.push(nowMs - NOON_MS);
        nowMs += ms + 15_000;
      },
    };

    const run = advanceCampaigns.run(
      { time: NOON_MS },
      { ...world.depsOf("advance-campaigns"), clock, reports },
    );

    expect(await run).toMatchObject({ outcome: "atWork" });
    expect(looksAtMs).toEqual([0, 20_000, 40_000]);
  });

  test("nothing starts while a person has paused it, and what has started goes on", async () => {
    const { open, look, started, becomes, campaign, cli } = await campaignWorld(names);
    await open();
    await look(NOON_MS);
    await becomes("f-key", (record) => ({
      ...contained("f-key", 0)(record),
      status: "open",
      keys: record.keys,
    }));
    await look(NOON_MS + 1_000);
    expect(await campaign()).toMatchObject({ canariesEndedAtMs: NOON_MS + 1_000 });
    const { campaignId } = await campaign();
    await cli(["campaign", "pause", campaignId, "--reason", "the shop is on sale"]);
    await becomes("f-key", contained("f-key", NOON_MS + 9_000));
    await look(NOON_MS + 300_000);
    expect(await started()).toEqual(["f-key"]);
    expect((await campaign()).figures).toMatchObject({ started: 1, contained: 1 });
  });
});

describe("its end", () => {
  test("one report with the result and certificate of every key, and a list of what people have to do", async () => {
    const watched = "mode: index, provider: main, consumers: [{ name: billing }]";
    const { open, look, becomes, campaign, filed, pages, cli, world, index } = await campaignWorld(
      ["a-key", "w-key"],
      {
        "w-key": watched,
      },
    );
    await index("w-key");
    await open();
    await look(NOON_MS);
    await look(NOON_MS + 6_000);
    await becomes("a-key", contained("a-key", NOON_MS + 60_000));
    await becomes("w-key", (record) => ({
      status: "needsPerson",
      keys: record.keys.map((key) => ({ ...key, state: "dead" as const, deadAtMs: NOON_MS + 90_000 })),
      secrets: [],
    }));
    await look(NOON_MS + 100_000);
    const done = await campaign();
    expect(done).toMatchObject({
      status: "done",
      figures: { keys: 2, contained: 2, replaced: 1, needPeople: 1, lastContainedAtMs: NOON_MS + 90_000 },
    });
    const { markdown = "", json = "{}" } = filed.get(done.campaignId) ?? {};
    expect(markdown).toContain("s3://bucket/certificates/a-key.json");
    expect(markdown).toContain("Rekey changes nothing under mode: index: replace it by hand");
    expect(JSON.parse(json)).toMatchObject({
      keys: [{ name: "a-key", isReplaced: true }, { name: "w-key" }],
    });
    expect(pages.map(({ title }) => title.split(": ")[1])).toEqual([
      "it has begun",
      "keys that need people",
      "every key is contained",
    ]);
    expect(await world.told("rekey")).toContain("CampaignDone by rekey:campaign");
    expect((await cli(`watch ${done.campaignId}`)).code).toBe(1);
    expect((await cli("campaign")).out).toContain("2 of 2");
    expect((await cli(`campaign show ${done.campaignId} --all`)).out).toContain("w-key");
  });

  test("a key that nobody has indexed is on the list, and is not counted as contained", async () => {
    const watched = "mode: index, provider: main, consumers: [{ name: billing }]";
    const { open, look, campaign, pages } = await campaignWorld(["w-key"], { "w-key": watched });
    await open();
    await look(NOON_MS);
    expect(await campaign()).toMatchObject({ status: "done", figures: { contained: 0, needPeople: 1 } });
    expect(pages.at(-1)?.title).toBe("campaign all: what is left is for people");
  });

  test("a deadline with open keys pages, and pages again", async () => {
    const { open, look, pages } = await campaignWorld(["a-key"]);
    await open();
    for (const minutes of [0, 13, 14, 15, 24, 25]) await look(NOON_MS + minutes * minute);
    expect(pages.map(({ title }) => title.split(": ")[1])).toEqual([
      "it has begun",
      "the deadline passes, and keys are not contained",
      "the deadline passes, and keys are not contained",
    ]);
  });
});

test("the timeline keeps its beginning and its end", async () => {
  const { open, campaign } = await campaignWorld(["a-key"]);
  await open();
  let grown = await campaign();
  for (let atMs = 0; atMs < 300; atMs += 1)
    grown = addCampaignEntry(grown, { atMs, what: "paged", detail: "x" });
  expect(grown.timeline).toHaveLength(200);
  expect(grown.timeline[0]?.what).toBe("opened");
  expect(grown.timeline.at(-1)?.atMs).toBe(299);
});
