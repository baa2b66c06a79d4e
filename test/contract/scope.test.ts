import type { Policy } from "../../core/policy.ts";
import { adoptCurrent } from "../../core/rotation/secret-record.ts";
import type { ScopeQuestion, With } from "../../functions/deps.ts";
import { scopeIncident } from "../../functions/incident/scope-incident.ts";
import type { IncidentRecord } from "../../ledger/incidents.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { arnOf, billing, fingerprint, minute, noon, roleOf, ScopeWorld } from "./scope-world.ts";

const declared = [{ name: "billing", roles: [roleOf("billing")] }] as unknown as Policy["consumers"];

test("readers are named by role, strangers first, with the version that each was given", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.read("billing", billing, { atMs: noon - 30 * minute, version: "version-1" });
  world.read("billing", billing, { atMs: noon - 10 * minute, version: "version-1" });
  world.read("rekey-production-eu-west-1-prove-incoming", billing, { atMs: noon, version: "version-2" });
  world.read("stranger", billing, { atMs: noon - 20 * minute, version: "version-1" });

  const { readers, ended } = await world.scope();

  expect(ended).toBe("complete");
  expect(
    readers.map(({ principal, versionId, reads, known }) => [principal, versionId, reads, known]),
  ).toEqual([
    [roleOf("stranger"), "version-1", 1, false],
    [roleOf("rekey-production-eu-west-1-prove-incoming"), "version-2", 1, true],
    [roleOf("billing"), "version-1", 2, true],
  ]);
  expect(readers[2]).toMatchObject({ firstAtMs: noon - 30 * minute, lastAtMs: noon - 10 * minute });
});

test("a read by name counts, and one without a KMS record counts without its version", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.read("billing", "billing", { atMs: noon });
  world.read("billing", billing.replace("-FAKE00", ""), { atMs: noon });
  world.read("billing", billing, { atMs: noon, version: "version-1" });
  world.read("billing", arnOf("billing-2"), { atMs: noon });

  const { readers } = await world.scope();

  expect(readers.map(({ versionId, reads }) => [versionId, reads])).toEqual([
    ["version-1", 1],
    [undefined, 2],
  ]);
});

test("a read that was refused gave nobody the key", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.tried("stranger");

  expect((await world.scope()).readers).toEqual([]);
});

test("a role that is only called like ours, or is in another account, is a stranger", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.read("rekey-production-mint-key", billing, { atMs: noon, account: "999999999999" });
  world.read("not-rekey-production", billing, { atMs: noon });

  expect((await world.scope()).readers).toMatchObject([{ known: false }, { known: false }]);
});

test("the history is paged slowly, and everything in it counts once", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  for (let n = 0; n < 120; n += 1)
    world.read("billing", billing, { atMs: noon - n * 1000, version: "version-1" });

  const { readers, ended } = await world.scope();

  expect(readers).toMatchObject([{ reads: 120 }]);
  expect(ended).toBe("complete");
  expect(world.lookups).toBe(6);
  expect(Math.min(...world.pauses)).toBeGreaterThanOrEqual(500);
});

test("throttling slows it down and loses nothing", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.throttleEvery = 3;
  for (let n = 0; n < 120; n += 1) world.read("billing", billing, { atMs: noon - n * 1000 });

  expect((await world.scope()).readers).toMatchObject([{ reads: 120 }]);
});

test("incidents of one minute share what was read of the history, and each sees its own secret and time", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.read("billing", billing, { atMs: noon - 90 * minute });
  world.read("billing", billing, { atMs: noon - 10 * minute });
  world.read("stranger", arnOf("other"), { atMs: noon });
  const scoper = world.scoper();
  const untilMs = noon + 5 * minute;
  const other = { secrets: [{ secretArn: arnOf("other") }] };

  const first = world.scope({ sinceMs: noon - 120 * minute, untilMs }, scoper);
  const second = world.scope({ ...other, untilMs: untilMs + minute }, scoper);

  expect((await first).readers).toMatchObject([{ principal: roleOf("billing"), reads: 2 }]);
  expect(await second).toMatchObject({
    ...{ ended: "complete", reachedBackToMs: noon - 60 * minute },
    readers: [{ principal: roleOf("stranger"), secretArn: arnOf("other"), reads: 1 }],
  });
  expect((await world.scope({ untilMs }, scoper)).readers).toMatchObject([{ reads: 1 }]);
  expect(world.lookups).toBe(2);
});

test("an incident that asks later, or about a longer time, or after a refusal, reads for itself", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  const scoper = world.scoper();
  const untilMs = noon + 5 * minute;
  await world.scope({ untilMs }, scoper);

  await world.scope({ untilMs: untilMs + minute + 1 }, scoper);
  await world.scope({ untilMs: untilMs + minute + 1, sinceMs: noon - 61 * minute }, scoper);
  expect(world.lookups).toBe(6);

  world.refusesLookups = true;
  await world.scope({ untilMs: untilMs + 5 * minute }, scoper);
  world.refusesLookups = false;
  world.read("billing", billing, { atMs: noon });
  expect((await world.scope({ untilMs: untilMs + 5 * minute }, scoper)).readers).toMatchObject([
    { reads: 1 },
  ]);
});

test("when the time is up it says how far back it got, and the newest is there", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.read("stranger", billing, { atMs: noon - 50 * minute });
  for (let n = 199; n >= 0; n -= 1) world.read("billing", billing, { atMs: noon - n * 1000 });

  const findings = await world.scope({ budgetMs: 2_000 });

  expect(findings.ended).toBe("timeBoxed");
  expect(findings.reachedBackToMs).toBe(noon - 99_000);
  expect(findings.readers.map(({ principal }) => principal)).toEqual([roleOf("billing")]);
  expect(findings.notChecked).toContain("earlier reads of the secret: the time for looking was up");
});

test("it never claims more than the 90 days that the history holds", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);

  const { notChecked, reachedBackToMs } = await world.scope({ sinceMs: 0 });

  expect(notChecked).toContain("reads more than 90 days ago: the event history ends there");
  expect(reachedBackToMs).toBe(noon + 5 * minute - 90 * 24 * 60 * minute);
});

test("a look-up that AWS refuses costs the readers and nothing else", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.refusesLookups = true;
  world.use = { keyId: "key_FAKE1", seenAtMs: noon, requests: 412 };

  const findings = await world.scope();

  expect(findings.keyUse).toMatchObject([{ requests: 412 }]);
  expect(findings.reachedBackToMs).toBeUndefined();
  expect(findings.notChecked).toContain(
    "who read the secret: CloudTrail refused the look-up (AccessDeniedException)",
  );
});

test("what the key did is reported from the exposure to its death", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.use = { keyId: "key_FAKE1", seenAtMs: noon, requests: 412, lastUsedAtMs: noon - minute };
  const key = { keyId: "key_FAKE1", account: "main", secretArn: billing, deadAtMs: noon + 2 * minute };

  const { keyUse, notChecked } = await world.scope({ keys: [key] });

  expect(keyUse).toEqual([
    {
      keyId: "key_FAKE1",
      ...{ fromMs: noon - 60 * minute, toMs: noon + 2 * minute },
      ...{ requests: 412, lastUsedAtMs: noon - minute, stillUsedBy: [] },
    },
  ]);
  expect(notChecked).toContain("what the key cost: no provider says it per key in time");
});

test.each([
  [
    "says nothing of a key that is gone",
    false,
    "what key key_FAKE1 did at its provider: the provider does not say",
  ],
  ["is down", true, "what key key_FAKE1 did at its provider: ProviderUnavailable"],
])("a provider that %s is named as not checked", async (_how, isDown, sentence) => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.providerIsDown = isDown;

  const { keyUse, notChecked } = await world.scope();

  expect(keyUse).toMatchObject([{ keyId: "key_FAKE1", stillUsedBy: [] }]);
  expect(notChecked).toContain(sentence);
});

describe("a look at the key before it was contained", () => {
  const key = {
    ...{ keyId: "key_FAKE1", account: "main", secretArn: billing, deadAtMs: noon + 2 * minute },
    lastUse: { atMs: noon, sinceMs: noon - 50 * minute, requests: 400, lastUsedAtMs: noon - minute },
  };

  test("stands where the provider says nothing of the deleted key, and the rest is named", async () => {
    const world = new ScopeWorld();
    await world.policies(declared);

    const { keyUse, notChecked } = await world.scope({ keys: [key] });

    expect(keyUse).toEqual([
      {
        keyId: "key_FAKE1",
        ...{ fromMs: noon - 50 * minute, toMs: noon },
        ...{ requests: 400, lastUsedAtMs: noon - minute, stillUsedBy: [] },
      },
    ]);
    expect(notChecked).toContain(
      "what key key_FAKE1 did in the last 120 s before its death: the provider says nothing of a deleted key",
    );
    expect(notChecked.join()).not.toContain("did at its provider");
    const { deadAtMs: _alive, ...waived } = key;
    expect((await world.scope({ keys: [waived] })).notChecked.join()).toContain("did after it was contained");
  });

  test("and one after it are reported together: late figures take nothing away", async () => {
    const world = new ScopeWorld();
    await world.policies(declared);
    world.use = { keyId: "key_FAKE1", seenAtMs: noon, requests: 412 };

    const { keyUse, notChecked } = await world.scope({ keys: [key] });

    expect(keyUse).toMatchObject([{ requests: 412, lastUsedAtMs: noon - minute, toMs: noon + 2 * minute }]);
    expect(notChecked.join()).not.toContain("key_FAKE1");
  });

  test("that failed is not checked, like the one after it", async () => {
    const world = new ScopeWorld();
    await world.policies(declared);
    const lastUse = { atMs: noon, sinceMs: noon, unknown: "no answer in 1 s" };

    const { keyUse, notChecked } = await world.scope({ keys: [{ ...key, lastUse }] });

    expect(keyUse).toMatchObject([{ keyId: "key_FAKE1", toMs: noon + 2 * minute }]);
    expect(notChecked).toEqual(
      expect.arrayContaining([
        "what key key_FAKE1 did at its provider: the provider does not say",
        "what key key_FAKE1 did, asked before it was contained: no answer in 1 s",
      ]),
    );
    world.use = { keyId: "key_FAKE1", seenAtMs: noon, requests: 412 };
    const later = await world.scope({ keys: [{ ...key, lastUse }] });
    expect(later.notChecked.join()).not.toContain("key_FAKE1");
  });
});

test("instances that used the key after the replacement are named, accepted or not", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  const use = (changes: object) => ({
    observedAtMs: noon + 2 * minute,
    uses: [{ fingerprint, lastSuccessAgoMs: null, lastRefusalAgoMs: null, ...changes }],
  });
  await world.report("late", use({ lastSuccessAgoMs: minute }));
  await world.report("refused", use({ lastRefusalAgoMs: minute }));
  await world.report("moved", use({ lastSuccessAgoMs: 3 * minute }));

  const { keyUse } = await world.scope();

  expect(keyUse[0]?.stillUsedBy).toEqual(["production/late/i-1", "production/refused/i-1"]);
});

test("its calls of the provider wait for the account where a campaign asks, and only there", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  const untilMs = noon + 10 * minute;
  await world.scope({ accountWaitUntilMs: untilMs });
  expect(world.askedOf.map(({ incidentsWaitUntilMs }) => incidentsWaitUntilMs)).toEqual([untilMs, untilMs]);
  await world.scope();
  expect(world.askedOf.slice(2).map(({ budget }) => budget)).toEqual([undefined, undefined]);
});

test("keys made since the exposure are listed unless the ledger knows them, whatever the names", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  await world.ledger.changeSecret(billing, (record) =>
    adoptCurrent(record, {
      name: "ours",
      state: "current",
      keyId: "key_OURS",
      versionId: "version-2",
      fingerprint,
    }),
  );
  const made = (keyId: string, createdAtMs: number) => ({
    keyId,
    name: `rekey/r-1/1`,
    status: "active" as const,
    createdAtMs,
  });
  world.keys = [
    made("key_OURS", noon),
    made("key_OLD", noon - 90 * minute),
    made("key_THEIRS", noon - minute),
    { keyId: "key_UNDATED", name: "?", status: "active" },
  ];

  const { newKeys, notChecked } = await world.scope();

  expect(newKeys.map(({ keyId }) => keyId)).toEqual(["key_THEIRS"]);
  expect(notChecked).toContain("1 unknown keys in main without a date");
});

test("other secrets of the same readers are siblings; what Rekey itself reads is not", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  world.read("billing", billing, { atMs: noon });
  world.read("billing", arnOf("search"), { atMs: noon });
  world.read("rekey-production-mint-key", billing, { atMs: noon });
  world.read("rekey-production-mint-key", arnOf("mail"), { atMs: noon });
  world.read("other", arnOf("other"), { atMs: noon });

  expect((await world.scope()).siblings).toEqual([
    { secretArn: arnOf("search"), why: `${roleOf("billing")} read it too` },
  ]);
});

test("a secret whose key lay in the same file is a sibling", async () => {
  const world = new ScopeWorld();
  await world.policies(declared);
  const other = {
    incidentId: "i-2",
    alerts: [{ where: ["https://github.com/acme/shop/blob/main/.env#L9"] }],
    secrets: [{ secretArn: arnOf("search") }],
    checklist: [],
  } as unknown as IncidentRecord;
  await world.ledger.incidents.reportIncident(other);

  const { siblings } = await world.scope({ where: ["https://github.com/acme/shop/blob/main/.env#L3"] });

  expect(siblings).toEqual([
    {
      secretArn: arnOf("search"),
      why: "its key lay in https://github.com/acme/shop/blob/main/.env too (i-2)",
    },
  ]);
});

describe("on the day when a thousand keys are replaced at once", () => {
  const made = (keyId: string) => ({ keyId, name: keyId, status: "active" as const, createdAtMs: noon });

  /** As many secrets in another account, and one in this one; says how many were read. */
  async function crowded(secrets: number) {
    const world = new ScopeWorld();
    await world.policies(declared);
    const [own] = await world.ledger.policies();
    if (own === undefined) throw new Error("no policy");
    for (let at = 0; at < secrets; at += 1) {
      const provider = { ...own.provider, account: "another" };
      await world.ledger.putPolicy({ ...own, secretArn: arnOf(`s${at}`), name: `s${at}`, provider });
    }
    const key = { name: "r-1/1", state: "current", keyId: "key_OURS", versionId: "v", fingerprint } as const;
    await world.ledger.putKey({ ...key, secretArn: billing, atMs: noon });
    const read: string[] = [];
    const { keys } = world.ledger;
    const counted = async (arn: string) => {
      read.push(arn);
      return keys(arn);
    };
    Object.assign(world.ledger, { keys: counted });
    return { world, read };
  }

  test("a replacement is looked for where it is, not in every secret of the deployment", async () => {
    const { world, read } = await crowded(100);
    world.keys = [made("key_OURS")];

    expect((await world.scope()).newKeys).toEqual([]);

    expect(read).toContain(billing);
    expect(read.length).toBeLessThanOrEqual(16);
  });

  test("a key that nobody knows is still looked for in every secret", async () => {
    const { world, read } = await crowded(100);
    world.keys = [made("key_THEIRS"), made("key_OURS")];

    expect((await world.scope()).newKeys.map(({ keyId }) => keyId)).toEqual(["key_THEIRS"]);

    expect(new Set(read).size).toBe(101);
  });

  test("that a campaign reported a key is no place where it lay", async () => {
    const asked: ScopeQuestion[] = [];
    const where = ["campaign c-1: all"];
    const alerts = [
      { source: "person", sourceId: "c-1/7", where },
      { source: "github", sourceId: "77", where: ["https://github.com/acme/shop/blob/main/.env#L3"] },
    ];
    const incident = {
      incidentId: "i-1",
      campaignId: "c-1",
      alerts,
      keys: [],
      secrets: [],
      checklist: [],
      timeline: [],
    };
    const ledger = ledgerOn(memoryTable());
    await ledger.incidents.reportIncident({ ...incident, waits: [] } as unknown as IncidentRecord);
    const scoper = {
      scope: async (question: ScopeQuestion) => {
        asked.push(question);
        return { ended: "complete", readers: [], newKeys: [] };
      },
    };
    const deps = { ledger, scoper } as unknown as With<"scoper">;
    await scopeIncident.run({ incidentId: "i-1", at: noon }, deps);

    // Longer than the campaign's deadline: the key is dead, and nothing presses.
    expect(asked[0]?.accountWaitUntilMs).toBe(noon + 240_000);
    expect(asked.map((question) => question.where)).toEqual([
      ["https://github.com/acme/shop/blob/main/.env#L3"],
    ]);
  });
});
