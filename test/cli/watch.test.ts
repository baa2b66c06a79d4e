import { InputInvalid, StoreUnavailable } from "../../core/errors.ts";
import type { IncidentRecord } from "../../core/incident/record.ts";
import { openRotation } from "../../functions/rotation/open-rotation.ts";
import { instancesIn } from "../../ledger/instances.ts";
import { type AdminWorld, arnOf, NOON_MS } from "../contract/admin-world.ts";
import { appliedWorld, rekey } from "./cli-world.ts";
import { keyOf, minute, openIncident, secretOf } from "./incident-world.ts";

async function open(world: AdminWorld, rotationId = "r-1") {
  const executionArn = `arn:aws:states:eu-west-1:111122223333:execution:rekey-rotation:${rotationId}`;
  const input = {
    secretArn: arnOf("billing-key"),
    rotationId,
    executionArn,
    trigger: "schedule",
    at: NOON_MS,
  };
  return openRotation.run(input, world.depsOf("open-rotation"));
}

function ended(world: AdminWorld, rotationId = "r-1") {
  return world.ledger.changeRotation({ secretArn: arnOf("billing-key"), rotationId }, (known) => {
    if (known === undefined) throw new Error("not opened");
    return { ...known, outcome: "rotated", closedAtMs: NOON_MS + 90_000 };
  });
}

/** What a terminal shows, and how often it was drawn. */
function screens() {
  const drawn: (readonly string[])[] = [];
  return { drawn, redraw: (lines: readonly string[]) => void drawn.push(lines) };
}

describe("a rotation", () => {
  test("on a terminal one screen shows what it does, its keys, and who holds which key", async () => {
    const { world, keys } = await appliedWorld();
    await open(world);
    await instancesIn(world.ledger.documents).putInstance(arnOf("billing-key"), {
      ...{ kind: "client", consumer: "billing", environment: "production", account: "111122223333" },
      ...{ instance: "billing-1", sequence: 1, maxStaleMs: 1, uses: [], ended: false },
      holds: { versionId: "v1", fingerprint: "sha256:FAKE" },
      observedAtMs: NOON_MS - minute,
    });
    const { drawn, redraw } = screens();

    const shown = await rekey(world, "watch billing-key", {
      ...{ redraw, width: 80 },
      meanwhile: async (pauses) => void (pauses === 2 && (await ended(world))),
    });

    const [first = []] = drawn;
    expect(first.slice(0, 4)).toEqual([
      "billing-key  r-1",
      "doing         making the incoming key",
      "started       0 s ago by schedule",
      `retiring key  ${keys["billing-key"]?.keyId}`,
    ]);
    expect(first.join("\n")).toMatch(/^CONSUMER +ENVIRONMENT +INSTANCE/m);
    expect(first.join("\n")).toMatch(/billing-1 .* 1 min ago/);
    // The last screen is cleared, so that the result stands alone.
    expect(drawn).toHaveLength(3);
    expect(drawn.at(-1)).toEqual([]);
    expect(shown).toMatchObject({ err: "", code: 0, out: "r-1: rotated after 1 min" });
  });
});

test.each([
  ["a pipe reads no evidence, which only the board shows", undefined, 0],
  ["a terminal reads it at each look", screens().redraw, 2],
])("%s", async (_where, redraw, reads) => {
  const { world } = await appliedWorld();
  await open(world);
  const { evidence } = world.ledger;
  let seen = 0;
  const counted: typeof evidence = (secretArn) => {
    seen += 1;
    return evidence(secretArn);
  };
  Object.assign(world.ledger, { evidence: counted });
  const shown = await rekey(world, "watch billing-key", {
    ...(redraw && { redraw, width: 100 }),
    meanwhile: async (pauses) => {
      if (pauses === 2) await ended(world);
    },
  });
  expect([shown.code, seen]).toEqual([0, reads]);
});

describe("a ledger that does not answer", () => {
  async function watchedWhile(error: Error, pausesSilent: number) {
    const { world } = await appliedWorld();
    await open(world);
    const { rotation } = world.ledger;
    const shown = await rekey(world, "watch billing-key", {
      meanwhile: async (pauses) => {
        const isSilent = pauses <= pausesSilent;
        Object.assign(world.ledger, { rotation: isSilent ? () => Promise.reject(error) : rotation });
        if (!isSilent) await ended(world);
      },
    });
    return shown;
  }
  const silent = new StoreUnavailable("the ledger did not answer");

  test("for a moment is said once, and the watch goes on", async () => {
    const shown = await watchedWhile(silent, 3);
    expect(shown.err.split("\n")).toEqual([
      "12:00:00 making the incoming key",
      "12:00:00 the ledger did not answer; trying again, and what is shown is older",
    ]);
    expect(shown).toMatchObject({ code: 0, out: "r-1: rotated after 1 min" });
  });

  test("for ten minutes ends it as unreachable, and so does what no repeat mends at once", async () => {
    const shown = await watchedWhile(silent, 700);
    expect([shown.code, shown.err]).toEqual([3, expect.stringContaining("the ledger did not answer")]);
    const denied = await watchedWhile(new InputInvalid("the ledger refused GetItem"), 700);
    expect(denied.code).toBe(1);
  });
});

describe("an incident", () => {
  const accepted = { state: "accepted" as const, acceptedAtMs: NOON_MS - minute, probes: 3, refusals: 2 };
  const dead = { ...accepted, state: "dead" as const, how: "refused" as const, deadAtMs: NOON_MS };

  async function watched(last: (keyId: string) => Partial<IncidentRecord>) {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    await becomes(incidentId, { secrets: [secretOf({ keyId, replacement: "promoted" })] });
    return cli(`watch ${incidentId}`, {
      meanwhile: async (pauses) => {
        if (pauses === 1) await becomes(incidentId, { keys: [{ ...keyOf(keyId), ...accepted }] });
        if (pauses === 3) await becomes(incidentId, last(keyId));
      },
    });
  }

  test("is told in a log as it goes on, once for each change, and ends with its answers", async () => {
    const shown = await watched((keyId) => ({
      ...{ status: "closed", closedAtMs: NOON_MS, keys: [{ ...keyOf(keyId), ...dead }] },
    }));
    const told = shown.err.split("\n");
    expect(told).toHaveLength(2);
    expect(told[0]).toMatch(/^12:00:00 open; dead\? no/);
    expect(told[1]).toMatch(/^12:00:00 open; dead\? not yet: revoke accepted/);
    expect(shown.out).toMatch(/^dead\? +yes: observed dead/m);
    expect(shown.code).toBe(0);
  });

  test("that closes with a key that nobody saw dead makes the exit code 1", async () => {
    const shown = await watched(() => ({ status: "closed", closedAtMs: NOON_MS }));
    expect(shown.code).toBe(1);
  });

  test("that needs a person is watched on: the order may come", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    await becomes(incidentId, { status: "needsPerson", reason: "the provider refused the revoke" });
    const shown = await cli(`watch ${incidentId}`, {
      meanwhile: async (pauses) => {
        if (pauses === 5)
          await becomes(incidentId, { status: "closed", keys: [{ ...keyOf(keyId), ...dead }] });
      },
    });
    expect(shown.err).toContain("needsPerson; dead? ");
    expect(shown.code).toBe(0);
  });
});

describe("everything", () => {
  test("shows what is at work and what wants a person, and with --until-quiet ends when nothing is", async () => {
    const { world } = await appliedWorld({ "billing-key": "", "search-key": "", "mail-key": "" });
    await open(world);
    await world.ledger.changeSecret(arnOf("search-key"), (record) => ({
      ...record,
      seq: record.seq + 1,
      frozen: { reason: "AWSCURRENT was changed outside Rekey", atMs: NOON_MS },
    }));
    const { drawn, redraw } = screens();
    const shown = await rekey(world, "watch --until-quiet", {
      ...{ redraw, width: 100 },
      meanwhile: async (pauses) => {
        if (pauses !== 2) return;
        await ended(world);
        await world.ledger.changeSecret(arnOf("billing-key"), ({ lease: _, run: __, ...record }) => ({
          ...record,
          seq: record.seq + 1,
        }));
      },
    });
    expect((drawn[0] ?? []).map((line) => line.replace(/ +/g, " "))).toEqual([
      "AT WORK DOES",
      "billing-key making the incoming key",
      "",
      "WANTS A PERSON BECAUSE ORDER",
      "search-key frozen: AWSCURRENT was changed outside Rekey rekey release search-key --unfreeze",
      "",
      "1 secret rests; the next rotation is due in 19 days",
    ]);
    expect(shown.out).not.toContain("AT WORK");
    expect(shown.out).toContain("2 secrets rest");
    expect(shown.code).toBe(1);
  });

  test("names every incident with its deadline", async () => {
    const { cli, incidentId, keyId, becomes } = await openIncident();
    const { drawn, redraw } = screens();
    const shown = await cli("watch --until-quiet --json", {
      redraw,
      meanwhile: async () => {
        const deadKey = { ...keyOf(keyId), state: "dead" as const, deadAtMs: NOON_MS };
        await becomes(incidentId, { status: "closed", closedAtMs: NOON_MS, keys: [deadKey] });
      },
    });
    expect(drawn[0]?.[1]).toMatch(
      new RegExp(`^${incidentId} +open +billing-key +2026-11-22 12:15:00Z \\(in `),
    );
    expect(shown.json()).toEqual({ type: "quiet", secrets: 2, wanted: [] });
  });
});
