import { showAudit } from "../../console/views/audit.ts";
import { appliedWorld } from "../cli/cli-world.ts";
import { arnOf, NOON_MS } from "../contract/admin-world.ts";
import { memoryCheckpoints } from "../contract/checkpoint-world.ts";

test("a log that was deleted with everything that names it is shown as broken", async () => {
  const { world } = await appliedWorld({ "billing-key": "", "search-key": "" });
  const checkpoints = memoryCheckpoints(world.audit, () => NOON_MS);
  await checkpoints.write(arnOf("billing-key"));
  for (const record of world.table.dump())
    if (JSON.stringify(record).includes(arnOf("billing-key"))) await world.table.remove(record);

  const shown = [];
  const sources = { ledger: world.ledger, audit: world.audit, checkpoints: async () => checkpoints };
  for await (const each of showAudit({ ...sources, nowMs: () => NOON_MS } as never))
    shown.push(...each.chains);

  expect(shown.find(({ id }) => id === arnOf("billing-key"))).toMatchObject({
    verified: false,
    why: "entry 1: the log ends at entry 0, but a checkpoint holds entry 1",
  });
  expect(shown.filter(({ verified }) => verified).map(({ name }) => name)).toContain("search-key");
});
