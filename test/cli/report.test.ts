import type { SecretRead } from "../../functions/adapters/scope/trail.ts";
import { arnOf, NOON_MS } from "../contract/admin-world.ts";
import { appliedWorld, rekey } from "./cli-world.ts";
import { openIncident } from "./incident-world.ts";

const dayMs = 86_400_000;
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
const read = (name: string, fields: Partial<SecretRead> = {}): SecretRead => ({
  ...{
    principal: role(name),
    account: "111122223333",
    secretId: arnOf("billing-key"),
    atMs: NOON_MS - 60_000,
  },
  ...fields,
});
const complete = { ended: "complete", reachedBackToMs: NOON_MS - dayMs } as const;

async function withReader() {
  const { world } = await appliedWorld();
  const policy = await world.ledger.policy(arnOf("billing-key"));
  if (policy === undefined) throw new Error("it was applied");
  await world.ledger.putPolicy({ ...policy, readers: [role("backup")] });
  return world;
}

test("access: who read how often, last, from where, and whether the policy names them", async () => {
  const world = await withReader();
  const reads = [
    read("backup", { address: "10.0.0.1" }),
    read("backup", { address: "10.0.0.2", secretId: "billing-key", atMs: NOON_MS - 30_000 }),
    read("eve"),
    read("eve", { secretId: "another-key" }),
  ];
  const said = await rekey(world, "report access --json", { reads: { reads, ...complete } });
  expect(said.code).toBe(0);
  expect(said.json()).toMatchObject({
    access: [
      { principal: role("backup"), reads: 2, addresses: ["10.0.0.1", "10.0.0.2"], declared: true },
      { principal: role("eve"), reads: 1, addresses: [], declared: false },
    ],
    incomplete: [],
  });
});

test("access: what was triaged stands below, and what could not be looked at is said", async () => {
  const world = await withReader();
  const triaged = {
    principal: role("eve"),
    why: "undeclaredPrincipal",
    versionId: "v1",
    atMs: NOON_MS,
  } as const;
  await world.ledger.putTriage(arnOf("billing-key"), triaged);
  const failed = {
    reads: [],
    ended: "failed",
    reachedBackToMs: NOON_MS,
    error: "AccessDeniedException",
  } as const;
  const { out } = await rekey(world, "report access billing-key", { reads: failed });
  expect(out).toContain("no read is on record");
  expect(out).toContain(`billing-key: ${role("eve")} read it, and the policy names no such reader`);
  expect(out).toContain("CloudTrail refused (AccessDeniedException: allow cloudtrail:LookupEvents)");
  const timeBoxed = { reads: [], ended: "timeBoxed", reachedBackToMs: NOON_MS } as const;
  expect((await rekey(world, "report access", { reads: timeBoxed })).out).toContain("there are more");
  expect((await rekey(world, "report access")).out).toContain("cannot be asked from here");
});

test.each([80, 60])("access: the table fits %i columns", async (width) => {
  const world = await withReader();
  const { out } = await rekey(world, "report access", {
    reads: { reads: [read("backup")], ...complete },
    width,
  });
  for (const line of out.split("\n")) expect(line.length).toBeLessThanOrEqual(width);
});

test("access: wrong days are a usage error; CSV has a header", async () => {
  const world = await withReader();
  expect(await rekey(world, "report access --days 0")).toMatchObject({ code: 2 });
  const { out } = await rekey(world, "report access --format csv", { reads: { reads: [], ...complete } });
  expect(out.split("\n")[0]).toBe("SECRET,WHO,READS,LAST,FROM,DECLARED");
});

test("schedules: one that was applied today is not due, and one that nobody applied is", async () => {
  const { world } = await appliedWorld({ "billing-key": "", "search-key": "" });
  const said = await rekey(world, "report schedules --json");
  expect(said.json()).toMatchObject({
    due: 0,
    schedules: [{ isDue: false, appliedAtMs: expect.any(Number) }, {}],
  });
  const { out } = await rekey(world, "report schedules");
  expect(out).toMatch(/0 of 2 are due/);
  expect((await rekey(world, "report schedules --format csv")).out).toContain("SECRET,SCHEDULE,NEXT");
});

test("runbooks: one that an incident paged with was tried, and all others are due", async () => {
  const page = { atMs: NOON_MS - dayMs, reason: "opened", severity: "page", delivered: [], failed: [] };
  const { world } = await openIncident({ pages: [page] as never });
  const said = (await rekey(world, "report runbooks --json")).json() as {
    readonly runbooks: readonly { readonly runbook: string; readonly isDue: boolean }[];
    readonly due: number;
  };
  expect(said.runbooks.filter(({ isDue }) => !isDue).map(({ runbook }) => runbook)).toEqual([
    "docs/runbooks/incident-opened.md",
  ]);
  expect(said.due).toBe(said.runbooks.length - 1);
  expect((await rekey(world, "report runbooks")).out).toContain("have not been tried for a quarter");
});
