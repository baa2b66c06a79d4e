import { StoreUnavailable } from "../../core/errors.ts";
import { fingerprintOf, shownFor } from "../../events/fingerprint.ts";
import { sample, spellingsIn } from "../core/intake/samples.ts";
import { IntakeWorld, leakedKey, noon } from "./intake-world.ts";

const leak = { id: "17", key: leakedKey, exposure: "public", where: ["https://example.com/paste/1"] };

test("a signed report is published by fingerprint and answered with what it started", async () => {
  const world = new IntakeWorld();

  const answer = await world.post(world.signed([leak]));

  expect(answer.statusCode).toBe(202);
  expect(JSON.parse(answer.body ?? "")).toEqual({ outcome: "accepted", started: 1, appended: 0, ignored: 0 });
  expect(world.published).toMatchObject([
    {
      kind: "start",
      intake: "report",
      receivedAtMs: noon,
      alert: { identity: { kind: "fingerprint", values: [fingerprintOf(leakedKey)] }, exposure: "public" },
    },
  ]);
  expect(await world.audited()).toEqual(["AlertAccepted report"]);
});

test("no spelling of the key is stored, published or logged, whether it is accepted or refused", async () => {
  const world = new IntakeWorld();
  const post = world.signed([{ ...leak, where: [`https://example.com/?key=${leakedKey}`] }]);

  await world.post(post);
  await world.post(world.signed([{ ...leak, typo: leakedKey }]));
  await world.post({ ...post, body: `${post.body} ` });
  await world.post({ ...post, path: `/intake/${leakedKey}` });

  expect(await world.audited()).toHaveLength(4);
  expect(spellingsIn(world.everything(), leakedKey)).toEqual([]);
});

test("a key in an id or a place is kept as its fingerprint's beginning, and the answer says so", async () => {
  const world = new IntakeWorld();
  const other = "sk-ant-api03-FAKEfakeFAKEfakeFAKEfake".padEnd(108, "F");
  const texts = { id: `case ${other}`, where: [`paste of ${other}`] };

  const answer = await world.post(world.signed([{ ...leak, ...texts }]));

  expect(JSON.parse(answer.body ?? "")).toMatchObject({
    hidden: 2,
    note: expect.stringContaining("2 texts"),
  });
  expect(world.published[0]?.alert.where).toEqual([`paste of ${shownFor(other)}`]);
  expect(spellingsIn(world.everything(), other)).toEqual([]);
});

test("a flipped byte anywhere in the body is refused and audited", async () => {
  const world = new IntakeWorld();
  const post = world.signed([leak]);
  const flipped = Buffer.from(post.body);
  flipped[20] = (flipped[20] ?? 0) ^ 1;

  const answer = await world.post({ ...post, body: flipped });

  expect(answer).toEqual({ statusCode: 403 });
  expect(world.published).toEqual([]);
  expect(await world.audited()).toEqual(["AlertRefused report SignatureWrong"]);
});

test("a body that was cut off is refused, also when its sender signed the rest", async () => {
  const world = new IntakeWorld();
  const whole = JSON.stringify({ alerts: [leak] });
  const post = world.signed(whole);

  expect((await world.post({ ...post, body: whole.slice(0, -4) })).statusCode).toBe(403);
  expect((await world.post(world.signed(whole.slice(0, -4)))).statusCode).toBe(400);

  expect(world.published).toEqual([]);
  expect(await world.audited()).toEqual([
    "AlertRefused report SignatureWrong",
    "AlertRefused report Unreadable",
  ]);
});

test("the same request a second time changes nothing and is audited as a replay", async () => {
  const world = new IntakeWorld();
  const post = world.signed([leak]);
  await world.post(post);

  const again = await world.post(post);

  expect(again).toEqual({ statusCode: 409 });
  expect(world.published).toHaveLength(1);
  expect(await world.audited()).toEqual(["AlertAccepted report", "AlertRefused report Replayed"]);
});

test("a captured GitHub delivery is a replay under another delivery id too", async () => {
  const world = new IntakeWorld();
  const post = world.githubPost(sample("github.json"));
  await world.post(post);

  const again = await world.post({ ...post, headers: { ...post.headers, "x-github-delivery": "another" } });

  expect(again.statusCode).toBe(409);
  expect(world.published).toHaveLength(1);
});

test("a request is remembered for longer than its signature is good, and then the table may forget it", async () => {
  const day = 24 * 3_600_000;
  const world = new IntakeWorld();
  const report = world.signed([leak]);
  const github = world.githubPost(sample("github.json"));
  await world.post(report);
  await world.post(github);

  const forgets = world.table
    .dump()
    .filter(({ kind }) => kind === "REPLAY")
    .map(({ id, forgetAtMs = 0 }) => [id.split(":")[0], (forgetAtMs - noon) / day]);
  expect(new Set(forgets.map(([of]) => of))).toEqual(new Set(["report", "github"]));
  // GitHub signs no time: nothing but our memory tells a captured delivery from a new one.
  for (const [of, days] of forgets) expect(days).toBe(of === "github" ? 400 : 1);

  world.nowMs = noon + 2 * day;
  expect((await world.post(report)).statusCode).toBe(403);
  world.nowMs = noon + 500 * day;
  expect((await world.post(github)).statusCode).toBe(409);
  expect(world.published).toHaveLength(2);
});

test("an alert that the bus did not accept may be sent again", async () => {
  const world = new IntakeWorld();
  const post = world.signed([leak]);
  world.busIsDown = true;
  expect((await world.post(post)).statusCode).toBe(503);

  world.busIsDown = false;
  expect((await world.post(post)).statusCode).toBe(202);

  expect(world.published).toHaveLength(1);
});

test("a report signed for another account's intake is refused and audited", async () => {
  const world = new IntakeWorld();

  const answer = await world.post(world.signed([leak], { secret: "FAKE-signing-of-another-account" }));

  expect(answer).toEqual({ statusCode: 403 });
  expect(await world.audited()).toEqual(["AlertRefused report SignatureWrong"]);
});

test("a signature that is good for one source is worth nothing at another", async () => {
  const world = new IntakeWorld();
  const post = world.signed([leak], { secret: "FAKE-signing-github" });

  expect((await world.post(post)).statusCode).toBe(403);
  expect((await world.post({ ...post, path: "/intake/trufflehog" })).statusCode).toBe(403);
  expect(world.published).toEqual([]);
});

test("a signed time that is a quarter of an hour off counts, and an older capture does not", async () => {
  const world = new IntakeWorld();

  const late = await world.post(world.signed([leak], { atMs: noon - 14 * 60_000 }));
  const old = await world.post(world.signed([leak], { atMs: noon - 16 * 60_000 }));

  expect([late.statusCode, old.statusCode]).toEqual([202, 403]);
});

test("while the signing secret rotates, either version signs", async () => {
  const world = new IntakeWorld();
  await world.post(world.signed([leak]));
  world.rotateSigning("report", "FAKE-signing-new");
  world.nowMs += 10_000;

  const incoming = await world.post(world.signed([leak], { secret: "FAKE-signing-new" }));
  const retiring = await world.post(world.signed([leak]));

  expect([incoming.statusCode, retiring.statusCode]).toEqual([202, 202]);
});

test("a stranger learns nothing but a status", async () => {
  const world = new IntakeWorld();
  const post = world.signed([leak]);
  const answers = [
    await world.post({ ...post, path: "/intake/unknown" }),
    await world.post({ ...post, path: "/" }),
    await world.post({ ...post, headers: {} }),
    await world.post({ ...post, headers: { "x-rekey-signature": "t=1" } }),
    await world.post({ ...post, method: "GET" }),
    await world.post({ ...post, body: "a".repeat(7 * 1024 * 1024) }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 403, 401, 401, 405, 413]);
  expect(answers.map(({ body }) => body).filter(Boolean)).toEqual([]);
});

test("what is not a request of a function URL is refused without a trace of it", async () => {
  const world = new IntakeWorld();

  const answers = [
    await world.post({ headers: {}, body: "", path: "/intake/__proto__" }),
    await world.post({ headers: {}, body: "" }),
  ];

  expect(answers.map(({ statusCode }) => statusCode)).toEqual([403, 401]);
});

test("an alert that GitHub only points to is fetched and fingerprinted", async () => {
  const world = new IntakeWorld();
  const fetched = JSON.parse(sample("github-fetched.json").toString());
  const asked: string[] = [];
  world.github = (url) => {
    asked.push(url);
    return fetched;
  };

  const answer = await world.post(world.githubPost(sample("github.json")));

  expect(answer.statusCode).toBe(202);
  expect(asked).toEqual([
    expect.stringMatching(/^https:\/\/api\.github\.com\/repos\/.*\/secret-scanning\/alerts\/\d+$/),
  ]);
  expect(world.published.map(({ alert }) => alert.identity)).toEqual([
    { kind: "fingerprint", values: expect.arrayContaining([fingerprintOf(fetched.secret)]) },
  ]);
  expect(spellingsIn(world.everything(), fetched.secret)).toEqual([]);
});

test.each([
  ["does not answer", () => undefined],
  ["answers nonsense", () => ({ message: "Not Found" })],
  ["answers with another alert", () => ({ number: 999_999, secret: leakedKey })],
])("an alert stands by its place when GitHub %s", async (_how, github) => {
  const world = new IntakeWorld();
  world.github = github;

  const answer = await world.post(world.githubPost(sample("github.json")));

  expect(answer.statusCode).toBe(202);
  expect(world.published.map(({ alert }) => alert.identity.kind)).toEqual(["location"]);
});

describe("a delivery that could not be fetched", () => {
  const fetchedAlert = JSON.parse(sample("github-fetched.json").toString());
  const kinds = (world: IntakeWorld) => world.published.map(({ alert }) => alert.identity.kind);

  test.each([
    ["GitHub did not answer", () => undefined],
    ["GitHub answered nonsense", () => ({ message: "Not Found" })],
    ["GitHub kept the key to itself", () => ({ ...fetchedAlert, secret: undefined })],
  ])("is fetched when it is delivered again, after %s", async (_why, github) => {
    const world = new IntakeWorld();
    const post = world.githubPost(sample("github.json"));
    world.github = github;
    await world.post(post);

    world.github = () => fetchedAlert;
    expect((await world.post(post)).statusCode).toBe(202);

    expect(kinds(world)).toEqual(["location", "fingerprint"]);
    expect((await world.post(post)).statusCode).toBe(409);
  });

  test("changes nothing while it still cannot be fetched, and nothing once it was", async () => {
    const world = new IntakeWorld();
    const post = world.githubPost(sample("github.json"));
    await world.post(post);

    expect((await world.post(post)).statusCode).toBe(409);
    const renamed = { ...post, headers: { ...post.headers, "x-github-delivery": "another" } };
    world.github = () => fetchedAlert;
    expect((await world.post(renamed)).statusCode).toBe(202);
    expect((await world.post(post)).statusCode).toBe(409);

    expect(kinds(world)).toEqual(["location", "fingerprint"]);
  });
});

test("a request of another method is refused, told which one there is, and audited", async () => {
  const world = new IntakeWorld();

  const answer = await world.post({ ...world.signed([leak]), method: "PUT" });

  expect(answer).toEqual({ statusCode: 405, headers: { allow: "POST" } });
  expect(await world.audited()).toEqual(["AlertRefused report MethodNotAllowed"]);
});

test("a resolved alert starts nothing; a synthetic leak goes through as a test", async () => {
  const world = new IntakeWorld();
  const resolved = { ...JSON.parse(sample("github.json").toString()), action: "resolved" };

  const answer = await world.post(world.githubPost(Buffer.from(JSON.stringify(resolved))));
  const test = await world.post(world.signed([{ ...leak, test: true }]));

  expect(JSON.parse(answer.body ?? "")).toMatchObject({ started: 0, ignored: 1 });
  expect(JSON.parse(test.body ?? "").note).toContain("1 alert is marked as a test");
  expect(world.published.map(({ alert }) => alert.test)).toEqual([true]);
});

test("an audit log that cannot be written stops neither an alert nor a refusal", async () => {
  const world = new IntakeWorld();
  const put = world.table.put;
  world.table.put = async (record) => (record.kind.startsWith("AUDIT") ? false : put(record));

  const accepted = await world.post(world.signed([leak]));
  const refused = await world.post({ ...world.signed([leak]), headers: {} });

  expect([accepted.statusCode, refused.statusCode]).toEqual([202, 401]);
  expect(world.logs.filter(({ outcome }) => outcome === "notAudited")).toHaveLength(2);
});

test("a flood of forged requests is counted: one entry a minute says how many there were", async () => {
  const world = new IntakeWorld();
  const forged = () => world.post({ ...world.signed([leak]), headers: {} });
  for (let n = 0; n < 100; n += 1) await forged();

  expect(await world.audited()).toEqual(["AlertRefused report HeaderMissing"]);
  expect(world.logs).toHaveLength(100);
  expect((await world.post(world.signed([leak]))).statusCode).toBe(202);

  world.nowMs += 61_000;
  await forged();
  expect(world.table.dump().flatMap(({ body }) => Object(body).detail?.refusals ?? [])).toEqual(
    expect.arrayContaining([1, 100]),
  );
});

test("fifty requests at once are all answered, and no audit entry is lost or written in many tries", async () => {
  const world = new IntakeWorld();
  let calls = 0;
  for (const name of ["get", "put", "query"] as const) {
    const call = world.table[name] as (...given: never[]) => Promise<unknown>;
    world.table[name] = async (...given: never[]) => {
      calls += 1;
      return call(...given) as never;
    };
  }
  const posts = Array.from({ length: 50 }, (_, n) =>
    world.signed([{ ...leak, id: `${n}` }], { nonce: `FAKEnonceFAKEnonce${n}` }),
  );

  const answers = await Promise.all(posts.map((post) => world.post(post)));

  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([202]));
  // Three for what is remembered, three for the audit log.
  expect(calls).toBe(50 * 6);
  expect(await world.audited()).toEqual(Array(50).fill("AlertAccepted report"));
  expect(world.logs.filter(({ outcome }) => outcome === "notAudited")).toEqual([]);
});

test("an audit entry that cannot be written does not keep the next one of its process from being written", async () => {
  const world = new IntakeWorld();
  const put = world.table.put;
  let refused = 0;
  world.table.put = async (record) => {
    if (!record.kind.startsWith("AUDIT") || refused > 0) return put(record);
    refused += 1;
    throw new StoreUnavailable("the table did not answer");
  };

  const posts = Array.from({ length: 50 }, (_, n) =>
    world.signed([{ ...leak, id: `${n}` }], { nonce: `FAKEnonceFAKEnonce${n}` }),
  );
  const answers = await Promise.all(posts.map((post) => world.post(post)));

  expect(answers.map(({ statusCode }) => statusCode)).toEqual(Array(50).fill(202));
  expect(world.logs.filter(({ outcome }) => outcome === "notAudited")).toHaveLength(1);
  expect(await world.audited()).toHaveLength(49);
});

test("a signed request with too many findings is refused whole, and its sender is told to split it", async () => {
  const world = new IntakeWorld();
  const lines = Array.from({ length: 1_001 }, (_, n) => ({ id: `${n}`, location: `place ${n}` }));

  const answer = await world.post(world.signed(lines));

  expect(answer.statusCode).toBe(400);
  expect(JSON.parse(answer.body ?? "").detail).toContain("split it");
  expect(world.published).toEqual([]);
});
