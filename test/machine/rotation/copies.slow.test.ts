import { copyName, placeNames } from "../../simulation/world/places.ts";
import type { Run } from "../../simulation/world/step-functions.ts";
import { never } from "../../simulation/world/surroundings.ts";
import { leakOfCurrent } from "../incident/compromise-story.ts";
import { calls, crash, open, type Story, type StoryOptions } from "./story.ts";

const minute = 60_000;
const first = { name: "billing", instances: 1 };

async function begin(options: StoryOptions = {}): Promise<Story> {
  const story = await open({
    consumers: [first],
    copies: placeNames,
    policy: { overlapMs: 15 * minute },
    ...options,
  });
  // What nobody wrote down yet is there by hand, and holds the current key: only write-only places must be told.
  await declareTakeOver(story);
  return story;
}

async function declareTakeOver(story: Story): Promise<void> {
  const policy = await story.world.ledger.policy(story.secretArn);
  if (policy === undefined || policy.consumers === "none") throw new Error("no consumers");
  const consumers = policy.consumers.map((consumer) => ({
    ...consumer,
    ...(consumer.copies && { copies: consumer.copies.map((copy) => ({ ...copy, takeOver: true })) }),
  }));
  await story.world.ledger.putPolicy({ ...policy, consumers });
}

function placesOf({ world: { places } }: Story) {
  if (places === undefined) throw new Error("this world has no places");
  return places;
}

/** What still held the retiring key at the moment of its revoke. */
function strandedAt(story: Story): string[] {
  const stranded: string[] = [];
  const retiring = story.textOf("k1");
  story.before(calls.delete, () => {
    for (const { place, text } of placesOf(story).holding()) if (text === retiring) stranded.push(place);
  });
  return stranded;
}

async function reasonsOf(story: Story, run: Run): Promise<readonly string[]> {
  const { reasons = [] } = (await story.gate(run)) ?? {};
  return reasons.map(({ reason, detail }) => `${reason}: ${detail}`);
}

function waitsOf({ history }: Run): number {
  return history.filter(({ state, type }) => state === "AwaitEvidence" && /Entered$/.test(type)).length;
}

async function expectWaits(story: Story, run: Run, missing: RegExp): Promise<void> {
  // What was started has ended by then, and what the last look said may be older than what has just happened.
  await story.world.time.advance(20_000);
  await story.reaches(run, "AwaitEvidence", waitsOf(run) + 2);
  expect((await reasonsOf(story, run)).join("\n")).toMatch(missing);
  expect((await story.ending(run)).works).toContain("k1");
}

test("every copy is written and used before the retiring key is revoked", async () => {
  const story = await begin();
  const stranded = strandedAt(story);
  const run = await story.rotate();

  expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
  expect(stranded).toEqual([]);
  for (const place of placeNames) expect(await placesOf(story).stored(place)).toBe(story.textOf("k2"));
  const effects = story.effects();
  const at = (effect: string) => effects.findIndex((each) => each.startsWith(effect));
  expect(at("move AWSCURRENT to v2")).toBeLessThan(at("copy to ci"));
  for (const effect of ["copy to ci", "copy to web", "activate web", "copy to pods", "activate pods"])
    expect([effect, at(effect) > -1 && at(effect) < at("delete k1")]).toEqual([effect, true]);
});

test("a computed copy has the key in its text, and is known again by the whole of it", async () => {
  const story = await begin();
  const policy = await story.world.ledger.policy(story.secretArn);
  if (policy === undefined || policy.consumers === "none") throw new Error("no consumers");
  const consumers = policy.consumers.map((consumer) => ({
    ...consumer,
    ...(consumer.copies && {
      copies: consumer.copies.map((copy) => ({ ...copy, text: "Bearer {key}", takeOver: true })),
    }),
  }));
  await story.world.ledger.putPolicy({ ...policy, consumers });
  const run = await story.rotate();

  expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
  for (const place of placeNames)
    expect(await placesOf(story).stored(place)).toBe(`Bearer ${story.textOf("k2")}`);
});

test("the certificate holds each place's proof", async () => {
  const story = await begin();
  await story.rotate();
  const [envelope = ""] = [...story.world.certificates.values()];
  const { payload } = JSON.parse(envelope) as { payload: string };
  const { predicate } = JSON.parse(Buffer.from(payload, "base64").toString("utf8"));
  const rows = predicate.adoption.rows.filter(({ source }: { source: string }) => source === "copy");

  expect(rows.map(({ copy }: { copy: Record<string, string> }) => copy)).toEqual([
    expect.objectContaining({
      destination: "ci",
      kind: "github-actions",
      activation: "next-run",
      proof: "updated_at",
    }),
    expect.objectContaining({
      destination: "copy",
      kind: "secrets-manager",
      activation: "live",
      proof: "read-back",
    }),
    expect.objectContaining({ destination: "pods", kind: "kubernetes-secret", activation: "restart" }),
    expect.objectContaining({ destination: "web", kind: "vercel", activation: "redeploy", name: copyName }),
  ]);
  for (const { copy } of rows) expect(copy.mark).toEqual(expect.any(String));
  expect(await story.audit()).toEqual(expect.arrayContaining(Array(4).fill("CopyWritten")));
});

describe("before a key is made", () => {
  test.each(placeNames)("a token that leads to another environment than %s stops the run", async (place) => {
    const story = await begin();
    placesOf(story).astray.add(place);
    const run = await story.rotate();

    expect(story.effects()).toEqual([]);
    expect((await story.ending(run)).run).toContain("rolledBack");
    expect(String(story.detailOf("RotationRolledBack")["reason"])).toContain("WrongPlace");
  });

  test("a value that Rekey did not write, and cannot read, is not overwritten unless the policy says so", async () => {
    const story = await open({ consumers: [first], copies: ["ci"] });
    const run = await story.rotate();

    expect((await story.ending(run)).run).toContain("rolledBack");
    expect(String(story.detailOf("RotationRolledBack")["reason"])).toContain("CopyExists");
    expect(await placesOf(story).stored("ci")).toBe(story.textOf("k1"));
  });

  test("a copy of the current key that somebody made by hand is taken over where it can be read", async () => {
    const story = await open({ consumers: [first], copies: ["pods", "copy"] });
    expect((await story.ending(await story.rotate())).run).toBe("SUCCEEDED: rotated");
  });

  test("a place that another secret's policy names too is refused", async () => {
    const story = await begin();
    const policy = await story.world.ledger.policy(story.secretArn);
    if (policy === undefined) throw new Error("no policy");
    const other = `${story.secretArn}2`;
    await story.world.ledger.putPolicy({ ...policy, secretArn: other, name: "other-key", mode: "index" });
    await story.rotate();

    expect(String(story.detailOf("RotationRolledBack")["reason"])).toContain(
      "is also a copy of production/other-key",
    );
  });

  test("a destination that the deployment does not list is named", async () => {
    const story = await begin();
    const policy = await story.world.ledger.policy(story.secretArn);
    if (policy === undefined || policy.consumers === "none") throw new Error("no policy");
    const consumers = policy.consumers.map((each) => ({ ...each, copies: [{ to: "nowhere", as: "X" }] }));
    await story.world.ledger.putPolicy({ ...policy, consumers });
    await story.rotate();

    expect(String(story.detailOf("RotationRolledBack")["reason"])).toContain("DestinationUnknown");
  });
});

describe("the retiring key stays alive, with the place and the reason,", () => {
  test("while a place refuses the write; once it takes it, the run goes on", async () => {
    const story = await begin();
    placesOf(story).refuses.add("ci");
    const run = story.start();
    await expectWaits(story, run, /CopyNotWritten: OPENAI_API_KEY at ci is not written yet/);
    expect(story.events()).toContain("CopyRefused");
    expect(story.detailOf("CopyRefused")).toMatchObject({ destination: "ci", name: copyName });

    placesOf(story).refuses.delete("ci");
    await story.finish(run);
    expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
  });

  test.each(["web", "pods"] as const)("while what %s started has failed", async (place) => {
    const story = await begin();
    placesOf(story).fails.add(place);
    const run = story.start();
    await expectWaits(
      story,
      run,
      /CopyFailed: OPENAI_API_KEY at (?:web: the build|pods: deployments\/worker)/,
    );
  });

  test("while nothing was activated: a project that nobody deploys", async () => {
    const story = await begin();
    placesOf(story).web.isConnected = false;
    const run = story.start();
    await expectWaits(
      story,
      run,
      /CopyNotActive: OPENAI_API_KEY at web: no deployment of production was built/,
    );
  });

  test.each(placeNames)("while %s is another environment's place since the promotion", async (place) => {
    const story = await begin();
    const run = story.start();
    await story.reaches(run, "NudgeConsumers");
    placesOf(story).astray.add(place);
    await expectWaits(story, run, /CopyElsewhere/);
  });

  test.each(placeNames)("while what somebody put into %s after the write is there", async (place) => {
    const story = await begin();
    const run = story.start();
    await story.reaches(run, "CheckAdoption");
    // GitHub's marks are in whole seconds.
    await story.world.time.advance(2_000);
    await placesOf(story).changeByHand(place, "sk-FAKE-somebody-elses");
    await expectWaits(
      story,
      run,
      new RegExp(`CopyChanged: OPENAI_API_KEY at ${place} was changed outside Rekey`),
    );
    expect(await placesOf(story).stored(place)).toBe("sk-FAKE-somebody-elses");

    await story.finish(run);
    expect((await story.ending(run)).debts).toEqual(["RevokeOwed k1"]);
  });

  test("while production is served by a deployment from before", async () => {
    const story = await begin();
    const run = story.start();
    await story.reaches(run, "AwaitEvidence");
    await story.world.time.advance(10_000);
    placesOf(story).web.rollBack();
    await expectWaits(
      story,
      run,
      /CopyFailed: OPENAI_API_KEY at web: production is served by an older deployment/,
    );
  });
});

test.each(["ci", "web", "pods"])(
  "a crash between the write to %s and its note leaves no copy that looks like somebody else's",
  async (place) => {
    const story = await begin();
    story.after(
      ({ port, operation, changes }) => port === "destination" && changes && operation.startsWith(place),
      crash,
    );
    const stranded = strandedAt(story);
    const run = await story.rotate();

    expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
    expect(stranded).toEqual([]);
  },
);

test("a leaked key is replaced at every place too, and containment waits for none of them", async () => {
  const story = await begin();
  placesOf(story).refuses.add("web");
  const run = await story.world.compromise(await leakOfCurrent(story.world));
  await story.world.time.advance(30 * minute);

  expect(story.effects().some((each) => each.startsWith("delete k1"))).toBe(true);
  expect(run.outcome?.status).toBe("SUCCEEDED");
});

describe("in a leak containment waits for no place, and the incident says which is behind, and why:", () => {
  const troubles: readonly {
    readonly what: string;
    readonly before: (story: Story) => void;
    readonly said: RegExp;
  }[] = [
    {
      what: "it refuses the write",
      before: (story) => void placesOf(story).refuses.add("web"),
      said: /CopyNotWritten: OPENAI_API_KEY at web is not written yet/,
    },
    {
      what: "what it started has failed",
      before: (story) => void placesOf(story).fails.add("web"),
      said: /CopyFailed: OPENAI_API_KEY at web: the build/,
    },
    {
      what: "it is never activated",
      before: (story) => {
        placesOf(story).web.isConnected = false;
      },
      said: /CopyNotActive: OPENAI_API_KEY at web: no deployment of production was built/,
    },
    {
      what: "its token leads to another environment",
      before: (story) => void placesOf(story).astray.add("web"),
      said: /CopyElsewhere: OPENAI_API_KEY at web: the token leads to no such place/,
    },
    {
      what: "somebody else changes it after the write",
      before: (story) =>
        story.before(
          ({ port, operation, changes }) =>
            port === "destination" &&
            !changes &&
            operation.startsWith("pods") &&
            story.effects().some((each) => each.startsWith("activate pods")),
          () => void placesOf(story).changeByHand("pods", "sk-FAKE-somebody-elses"),
        ),
      said: /CopyChanged: .*pods/,
    },
  ];

  test.each(troubles)("$what", async ({ before, said }) => {
    const story = await begin();
    before(story);
    const run = await story.world.compromise(await leakOfCurrent(story.world));
    await story.world.time.advance(30 * minute);

    expect(story.effects().some((each) => each.startsWith("delete k1"))).toBe(true);
    expect(run.outcome?.status).toBe("SUCCEEDED");
    const { secrets } = await story.world.incidentOf(run);
    expect(secrets).toMatchObject([{ behind: ["shop"], replacement: "recovering" }]);
    expect(secrets[0]?.copiesBehind?.map(({ why }) => why).join("\n")).toMatch(said);
  });

  test("and its certificate names the place that refused the write, with what it answered", async () => {
    const story = await begin();
    placesOf(story).refuses.add("web");
    await story.world.compromise(await leakOfCurrent(story.world));
    await story.world.time.advance(30 * minute);

    const [envelope = ""] = [...story.world.certificates.values()];
    const { payload } = JSON.parse(envelope) as { payload: string };
    const { predicate } = JSON.parse(Buffer.from(payload, "base64").toString("utf8"));
    expect(predicate.secrets[0].copies).toContainEqual({
      ...{ claim: "observed", destination: "web", name: copyName, holds: "unknown" },
      refused: `CopyRefused: the destination answered 403: write ${copyName}`,
    });
  });
});

describe("between rotations the sweep", () => {
  async function rotated(): Promise<Story> {
    const story = await begin();
    expect((await story.ending(await story.rotate())).run).toBe("SUCCEEDED: rotated");
    expect(await story.sweep()).toMatchObject({ astray: 0 });
    return story;
  }

  test.each(placeNames)("notices what somebody put into %s, and says it once", async (place) => {
    const story = await rotated();
    await placesOf(story).changeByHand(place, "sk-FAKE-somebody-elses");

    expect(await story.sweep()).toMatchObject({ astray: 1 });
    expect(await story.sweep()).toMatchObject({ astray: 1 });
    expect(story.events().filter((type) => type === "CopyAstray")).toHaveLength(1);
    expect(story.detailOf("CopyAstray")).toMatchObject({ destination: place, name: copyName });
  });

  test("notices a roll-back to a deployment with the dead key", async () => {
    const story = await rotated();
    placesOf(story).web.rollBack();

    expect(await story.sweep()).toMatchObject({ astray: 1 });
    expect(String(story.detailOf("CopyAstray")["reason"])).toContain("served by an older deployment");
  });

  test("writes nothing in a dry run, also of a copy that nobody has looked at since it was written", async () => {
    const story = await begin();
    const run = story.start();
    story.before(calls.of("check-adoption", "get"), () => {
      run.stop("by hand");
      return never();
    });
    await story.world.time.advance(minute);
    const before = story.world.table.dump();

    expect(await story.sweep({ dryRun: true })).toMatchObject({ outcome: "wouldSweep" });
    expect(story.world.table.dump()).toEqual(before);
  });

  test("says nothing of a place that does not answer, and names one that leads elsewhere", async () => {
    const story = await rotated();
    placesOf(story).astray.add("web");
    expect(await story.sweep()).toMatchObject({ astray: 1 });
    placesOf(story).astray.delete("web");
    expect(await story.sweep()).toMatchObject({ astray: 0 });
  });
});

test("a person's order lets the next write replace what somebody put there", async () => {
  const story = await begin();
  const run = story.start();
  await story.reaches(run, "CheckAdoption");
  await story.world.time.advance(2_000);
  await placesOf(story).changeByHand("ci", "sk-FAKE-somebody-elses");
  await expectWaits(story, run, /CopyChanged/);

  const order = { command: "overwrite", secret: story.secretArn, destination: "ci", reason: "a mistake" };
  expect(await story.command(order)).toMatchObject({ outcome: "ordered", names: [copyName] });
  await story.finish(run);

  expect((await story.ending(run)).run).toBe("SUCCEEDED: rotated");
  expect(await placesOf(story).stored("ci")).toBe(story.textOf("k2"));
  expect(await story.audit()).toContain("CopyOverwriteOrdered");
  expect(await story.command({ ...order, destination: "moon" })).toMatchObject({ outcome: "refused" });
});
