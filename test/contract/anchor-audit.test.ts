import { intakeChains } from "../../audit/intake-log.ts";
import { StoreUnavailable } from "../../core/errors.ts";
import { anchorAudit } from "../../functions/upkeep/anchor-audit.ts";
import { type AdminWorld, ANNA, adminWorld, arnOf, NOON_MS } from "./admin-world.ts";
import { memoryAnchor, memoryCheckpoints } from "./checkpoint-world.ts";

const hourMs = 3_600_000;

/** A deployment with these secrets applied, and an hourly run. */
async function anchoring(names: readonly string[]) {
  const world = adminWorld();
  for (const name of names) world.secret(name);
  await world.send({ command: "apply", files: [{ path: "rekey.yml", data: parsedFile(names) }] });
  const anchor = memoryAnchor();
  let nowMs = NOON_MS;
  const checkpoints = memoryCheckpoints(world.audit, () => nowMs, anchor);
  const { ledger } = world;
  const clock = { nowMs: () => nowMs, pause: async () => undefined };
  const deps = { ledger, clock, log: world.deps.log, environment: "production", checkpoints };
  const run = async () => {
    nowMs += hourMs;
    return anchorAudit(deps);
  };
  return { world, run, anchor, checkpoints, deps };
}

function parsedFile(names: readonly string[]) {
  const provider = { kind: "openai", adminCredential: arnOf("rekey/admin/openai"), project: "proj_FAKE" };
  const secret = (name: string) => ({
    ...{ arn: arnOf(name), provider: "main", rotate: "manual" },
    consumers: [{ name: "billing" }],
  });
  return {
    ...{ version: 1, environment: "production", account: "111122223333" },
    providers: { main: { ...provider, serviceAccount: "svc_acct_FAKE" } },
    secrets: Object.fromEntries(names.map((name) => [name, secret(name)])),
  };
}

function beats({ logs }: AdminWorld) {
  return logs.flatMap((line) => ("AuditLogsBroken" in line ? [line] : []));
}

test("every log gets a checkpoint of its end, and only what has grown gets another", async () => {
  const { world, run, checkpoints } = await anchoring(["billing-key", "search-key"]);

  expect(await run()).toEqual({
    outcome: "anchored",
    chains: 3 + intakeChains.length,
    anchored: 2,
    broken: 0,
    failed: 0,
  });
  expect(await run()).toMatchObject({ anchored: 0 });

  await world.send({ command: "stop", all: true, reason: "trouble" });
  expect(await run()).toMatchObject({ anchored: 1 });
  expect(await checkpoints.verify(arnOf("billing-key"))).toMatchObject({
    verified: true,
    checkpoint: { seq: 1, atMs: NOON_MS + hourMs },
  });
  expect(await checkpoints.verify("rekey")).toMatchObject({ checkpoint: { seq: 1 } });
});

test("a secret that left the policy keeps its log: its last entry is signed too", async () => {
  const { world, run, checkpoints } = await anchoring(["billing-key", "search-key"]);
  await run();
  await world.send({
    command: "apply",
    files: [{ path: "rekey.yml", data: parsedFile(["search-key"]) }],
    prune: true,
  });

  expect(await run()).toEqual({
    outcome: "anchored",
    chains: 3 + intakeChains.length,
    anchored: 1,
    broken: 0,
    failed: 0,
  });
  expect(await checkpoints.verify(arnOf("billing-key"))).toMatchObject({
    entries: 2,
    checkpoint: { seq: 2 },
  });

  await world.send({
    command: "apply",
    files: [{ path: "rekey.yml", data: parsedFile(["search-key", "billing-key"]) }],
  });
  expect(await run()).toMatchObject({ chains: 3 + intakeChains.length, anchored: 1 });
});

test("a fresh deployment without any log entry reports its heartbeat", async () => {
  const { world, run, anchor } = await anchoring([]);

  expect(await run()).toEqual({
    outcome: "anchored",
    chains: 1 + intakeChains.length,
    anchored: 0,
    broken: 0,
    failed: 0,
  });

  expect(anchor.stored.size).toBe(0);
  expect(beats(world)).toMatchObject([{ AuditAnchored: 1, AuditLogsBroken: 0, Environment: "production" }]);
});

test("a log that was rewritten is not signed, is counted, and holds up no other", async () => {
  const { world, run, anchor } = await anchoring(["billing-key", "search-key"]);
  await run();
  for (const record of world.table.dump()) {
    if (record.kind !== "AUDIT" || record.id !== arnOf("billing-key")) continue;
    await world.table.remove(record);
    await world.table.remove({ kind: "AUDITID", id: record.id, sort: (record.body as { id: string }).id });
  }
  const other = { id: "x", actor: ANNA, action: "PolicyApplied" };
  await world.audit.append(arnOf("billing-key"), other);
  await world.audit.append(arnOf("billing-key"), { ...other, id: "y" });
  await world.audit.append(arnOf("search-key"), other);

  expect(await run()).toEqual({
    outcome: "broken",
    chains: 3 + intakeChains.length,
    anchored: 1,
    broken: 1,
    failed: 0,
  });

  expect([...anchor.stored.keys()].filter((name) => /^checkpoints.*billing/.test(name))).toHaveLength(1);
  expect(beats(world).at(-1)).toMatchObject({ AuditLogsBroken: 1, AuditAnchored: 1 });
  expect(world.logs).toContainEqual(
    expect.objectContaining({ outcome: "broken", chain: arnOf("billing-key"), brokenAt: 1 }),
  );
});

test("a log that was deleted with everything that names it is broken, since its checkpoints remain", async () => {
  const { world, run, checkpoints } = await anchoring(["billing-key", "search-key"]);
  await run();
  for (const record of world.table.dump()) {
    const isOfIt = JSON.stringify(record).includes(arnOf("billing-key"));
    if (isOfIt) await world.table.remove(record);
  }
  expect((await world.ledger.policies()).map(({ name }) => name)).toEqual(["search-key"]);

  expect(await run()).toMatchObject({ outcome: "broken", broken: 1 });

  expect(world.logs).toContainEqual(
    expect.objectContaining({ outcome: "broken", chain: arnOf("billing-key"), brokenAt: 1 }),
  );
  expect(await checkpoints.chains()).toEqual(
    expect.arrayContaining([arnOf("billing-key"), arnOf("search-key"), "rekey"].slice(0, 2)),
  );
});

test("a log that cannot be read stops the heart and no other log, and the next run makes up for it", async () => {
  const { world, run, deps, checkpoints } = await anchoring(["billing-key", "search-key"]);
  const write: typeof checkpoints.write = async (chain) => {
    if (chain === arnOf("billing-key")) throw new StoreUnavailable("the ledger is not available now");
    return checkpoints.write(chain);
  };

  expect(await anchorAudit({ ...deps, checkpoints: { ...checkpoints, write } })).toMatchObject({
    ...{ outcome: "partly", anchored: 1, failed: 1 },
  });
  expect(beats(world)).toHaveLength(1);
  expect(beats(world)[0]).not.toHaveProperty("AuditAnchored");

  expect(await run()).toMatchObject({ outcome: "anchored", anchored: 1 });
  expect(beats(world).at(-1)).toMatchObject({ AuditAnchored: 1 });
});
