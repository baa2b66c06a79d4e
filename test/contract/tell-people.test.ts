import type { Page } from "../../functions/deps.ts";
import { tellPeople } from "../../functions/upkeep/tell-people.ts";
import { appliedWorld, rekey } from "../cli/cli-world.ts";
import { type AdminWorld, arnOf, NOON_MS } from "./admin-world.ts";

const dayMs = 86_400_000;

/** A world whose channels keep what they were sent. */
async function heardWorld(secrets?: Readonly<Record<string, string>>) {
  const { world } = await appliedWorld(secrets);
  const pages: Page[] = [];
  let reached: readonly string[] = ["slack"];
  const page = async (sent: Page) => {
    pages.push(sent);
    return { delivered: reached, failed: reached.length === 0 ? ["slack"] : [] };
  };
  Object.assign(world.deps, { escalator: { page } });
  const round = (atMs: number) =>
    tellPeople.run(
      tellPeople.input.parse({ time: new Date(atMs).toISOString() }),
      world.depsOf("tell-people"),
    );
  const silence = () => {
    reached = [];
  };
  const restore = () => {
    reached = ["slack"];
  };
  return { world, pages, round, silence, restore };
}

function freeze(world: AdminWorld, name: string) {
  return world.ledger.changeSecret(arnOf(name), (record) => ({ ...record, frozen: { reason: "changed" } }));
}

test("a state is told once when it begins, again when it comes back, and daily while it lasts", async () => {
  const { world, pages, round } = await heardWorld();
  expect(await round(NOON_MS)).toMatchObject({ open: 0, begun: 0, digest: "nothing" });
  expect(pages).toEqual([]);

  await freeze(world, "billing-key");
  expect(await round(NOON_MS + 900_000)).toMatchObject({ open: 1, begun: 1, digest: "notDue" });
  expect(await round(NOON_MS + 1_800_000)).toMatchObject({ open: 1, begun: 0 });
  expect(pages).toMatchObject([
    {
      ...{ reason: "rotation", severity: "page", title: "billing-key: frozen: changed", test: false },
      ...{ steps: expect.arrayContaining(["rekey release billing-key --unfreeze"]) },
      ...{ runbook: "docs/runbooks/spent-key-is-current.md", about: { secretArns: [arnOf("billing-key")] } },
    },
  ]);

  expect(await round(NOON_MS + dayMs)).toMatchObject({ digest: "sent" });
  expect(pages.at(-1)).toMatchObject({ severity: "notify", title: "1 secret still needs somebody" });

  await world.ledger.changeSecret(arnOf("billing-key"), ({ frozen: _lifted, ...record }) => record);
  await round(NOON_MS + dayMs + 1);
  await freeze(world, "billing-key");
  expect(await round(NOON_MS + dayMs + 2)).toMatchObject({ begun: 1 });
  expect(pages).toHaveLength(3);
});

test("what no channel took is told again", async () => {
  const { world, pages, round, ...channels } = await heardWorld();
  await freeze(world, "billing-key");
  channels.silence();
  expect(await round(NOON_MS)).toMatchObject({ begun: 1, failed: 1, digest: "failed" });
  channels.restore();
  expect(await round(NOON_MS + 1)).toMatchObject({ begun: 1, failed: 0, digest: "sent" });
  expect(pages).toHaveLength(4);
});

test("many at once are one message", async () => {
  const names = ["a", "b", "c", "d", "e"];
  const { world, pages, round } = await heardWorld(Object.fromEntries(names.map((name) => [name, ""])));
  for (const name of names) await freeze(world, name);
  await round(NOON_MS);
  expect(pages.map(({ title }) => title)).toEqual([
    "5 secrets need somebody",
    "5 secrets still need somebody",
  ]);
  expect(await round(NOON_MS + 1)).toMatchObject({ begun: 0 });
});

test("`rekey drill --rotation` sends a test through the same channels, and says which took it", async () => {
  const { world, pages, ...channels } = await heardWorld();
  const shown = await rekey(world, "drill --rotation");
  expect(shown).toMatchObject({ code: 0, out: "delivered through slack" });
  expect(pages).toMatchObject([{ reason: "rotation", test: true, title: "nothing has to be done" }]);
  channels.silence();
  expect(await rekey(world, "drill --rotation")).toMatchObject({
    code: 1,
    out: "delivered through nothing\nslack did not deliver it",
  });
});

test("an account that Rekey stopped pages, and one that a person stopped does not", async () => {
  const { world, pages, round } = await heardWorld();
  const stop = { reason: "3 rotations in a row failed at the provider", includingIncidents: false };
  await world.ledger.putStop({ ...stop, scope: "provider/openai-main", by: "rekey" });
  await world.ledger.putStop({ ...stop, scope: "provider/openai-two", by: "ada" });

  expect(await round(NOON_MS)).toMatchObject({ open: 1, begun: 1 });
  expect(pages[0]).toMatchObject({
    ...{ severity: "page", runbook: "docs/runbooks/stopped.md" },
    title: "openai-main: the provider account is stopped: 3 rotations in a row failed at the provider",
    steps: expect.arrayContaining(["rekey resume --provider openai-main"]),
  });
  await world.ledger.removeStop("provider/openai-main");
  expect(await round(NOON_MS + 1)).toMatchObject({ open: 0 });
});
