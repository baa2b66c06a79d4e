import { whyNotCertificate } from "../../../audit/verify-certificate.ts";
import { StoreUnavailable } from "../../../core/errors.ts";
import { certificateKey } from "../../simulation/world/certificate-shelf.ts";
import type { BoundaryCall } from "../../simulation/world/surroundings.ts";
import { World } from "../../simulation/world/world.ts";
import { leakOfCurrent, sweepNow } from "../incident/compromise-story.ts";
import { open, type Story } from "../rotation/story.ts";

const minute = 60_000;
const sign = ({ port, operation }: BoundaryCall) => port === "signer" && operation === "sign";
const refuse = () => {
  throw new StoreUnavailable("the key is not available now (kms:Sign, KMSInternalException)");
};

/** A rotation at whose end nothing can be signed. */
async function uncertified(): Promise<{ readonly story: Story; readonly rotationId: string }> {
  const story = await open();
  story.before(sign, refuse, 4);
  const { rotationId } = await story.rotate();
  return { story, rotationId };
}

async function certificateOf(story: Story, rotationId: string) {
  return (await story.world.ledger.rotation(story.secretArn, rotationId))?.certificate;
}

test("a certificate that cannot be made is owed, and holds up neither the key's death nor the lease", async () => {
  const { story, rotationId } = await uncertified();

  expect(story.world.certificates.size).toBe(0);
  expect(await story.world.ledger.secret(story.secretArn)).not.toHaveProperty("lease");
  expect(story.events()).toContain("RotationSucceeded");
  expect(await story.world.ledger.debts()).toMatchObject([
    { kind: "CertificateOwed", rotationId, keyId: story.keyId("k1"), error: "StoreUnavailable" },
  ]);
});

test("the sweep has it made, and the debt is gone", async () => {
  const { story, rotationId } = await uncertified();

  expect(await story.sweep()).toMatchObject({ openDebt: 1, failed: 0 });
  await story.world.time.advance(minute);

  expect(await story.world.ledger.debts()).toEqual([]);
  expect((await story.audit()).at(-1)).toBe("CertificateFiled");
  const { path = "" } = (await certificateOf(story, rotationId)) ?? {};
  const text = story.world.certificates.get(path) ?? "";
  expect(whyNotCertificate(text, { publicKey: certificateKey, expected: rotationId })).toBeUndefined();
  expect(await story.sweep()).toMatchObject({ openDebt: 0 });
});

test("while it still fails, it is tried less and less often, and stays owed since the beginning", async () => {
  const { story } = await uncertified();
  story.before(sign, refuse, 1_000);
  const [before] = await story.world.ledger.debts();

  for (let sweeps = 0; sweeps < 20; sweeps++) {
    await story.sweep();
    await story.world.time.advance(15 * minute);
  }

  const [after] = await story.world.ledger.debts();
  const tries = [...story.world.runs.values()].filter(({ input }) => input["certify"] !== undefined);
  expect(tries.length).toBeGreaterThan(1);
  expect(tries.length).toBeLessThan(8);
  expect((after?.sinceMs ?? 0) - (before?.sinceMs ?? 0)).toBeLessThan(minute);
});

test("a chain that was changed is not certified", async () => {
  const story = await open();
  const run = story.start();
  await story.reaches(run, "ProveDead");
  const [first] = await story.world.table.query({ kind: "AUDIT", id: story.secretArn });
  if (first === undefined) throw new Error("nothing was logged");
  const body = { ...(first.body as object), actor: "somebody-else" };
  await story.world.table.put({ ...first, revision: first.revision + 1, body });

  await story.finish(run);

  expect(run.outcome?.status).toBe("SUCCEEDED");
  expect(story.world.certificates.size).toBe(0);
  expect(await story.world.ledger.debts()).toMatchObject([
    { kind: "CertificateOwed", error: "InputInvalid" },
  ]);
});

test("an incident closes without its certificate, and the sweep has that made too", async () => {
  let isDown = true;
  const world = new World({
    surroundings: {
      invocation: () => ({ skewMs: 0, crashed: new Promise(() => undefined) }),
      call: async (call, effect) => (isDown && sign(call) ? refuse() : effect()),
      deliveries: () => [0],
      reply: (reply) => reply,
    },
  });
  try {
    await world.secret();
    const run = await world.compromise(await leakOfCurrent(world));
    const { incidentId, status } = await world.incidentOf(run);
    expect(status).toBe("closed");
    expect(await world.ledger.debts()).toMatchObject([{ kind: "CertificateOwed", rotationId: incidentId }]);

    isDown = false;
    await sweepNow(world);
    await world.time.advance(minute);

    expect(await world.ledger.debts()).toEqual([]);
    expect((await world.incidentOf(run)).certificate?.path).toBe(`certificates/incidents/${incidentId}.json`);
    expect(world.events.filter(({ type }) => type === "IncidentClosed")).toHaveLength(1);
  } finally {
    world.close();
  }
});

test("a run that an incident took while it was being settled owes none: the incident's certificate tells of it", async () => {
  const { story, rotationId } = await uncertified();
  const { ledger } = story.world;
  const ticket = { secretArn: story.secretArn, rotationId };
  await ledger.changeRotation(ticket, (run) => {
    const { death: _none, ...rest } = run as NonNullable<typeof run>;
    return { ...rest, outcome: "superseded" };
  });

  await story.sweep();
  await story.world.time.advance(minute);

  expect(await ledger.debts()).toEqual([]);
});
