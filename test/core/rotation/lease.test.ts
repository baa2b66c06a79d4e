import { Superseded } from "../../../core/errors.ts";
import { closeRetained, closeRun, giveUp, openRun, oweRun, resumeRun } from "../../../core/rotation/lease.ts";
import { emptyRecord, incidentWith } from "../../../core/rotation/secret-record.ts";
import {
  incomingKey,
  late,
  type phases,
  phasesBefore,
  promotedPhases,
  recordIn,
  retiring,
  retiringKey,
  runs,
  secretArn,
  stateOf,
  ticket,
} from "./record-world.ts";

const opening = { rotationId: "r-2", executionArn: "arn:execution:r-2", kind: "rotation" as const };
const wait = { rotationId: "r-1", token: "token", decision: "waiting" };

test("an incident has the secret only while its own lease says so, also one of before its runs had names", () => {
  const lease = { runId: "i-1-0a1b2c3d-4", executionArn: "arn:execution:i-1" };
  expect(incidentWith({ lease: { ...lease, kind: "incident", incidentId: "i-1" } })).toBe("i-1");
  expect(incidentWith({ lease: { ...lease, kind: "incident", runId: "i-1" } })).toBe("i-1");
  expect(incidentWith({ lease: { ...lease, kind: "rotation" } })).toBeUndefined();
  expect(incidentWith({})).toBeUndefined();
});

test("opening a run takes the lease with a higher fence and forgets an older wait and who lost the secret", () => {
  const fenced = { incidentId: "i-1", standing: "incoming" as const, rotationId: "r-1" };
  const record = { ...emptyRecord(secretArn), fence: 3, keys: [retiringKey], wait, fenced };

  const next = openRun(record, { ...opening, retiring });

  expect(next).toEqual({
    ...emptyRecord(secretArn),
    fence: 4,
    seq: 1,
    keys: [retiringKey],
    lease: { runId: "r-2", kind: "rotation", executionArn: "arn:execution:r-2" },
    run: { phase: "opened", rotationId: "r-2", attempt: 0, retiring },
  });
});

describe("ending a run", () => {
  test("frees the secret, remembers the run as ended and forgets its wait", () => {
    const closed = closeRun(recordIn("dead", { wait }), ticket);

    expect(closed).not.toHaveProperty("lease");
    expect(closed).not.toHaveProperty("run");
    expect(closed).not.toHaveProperty("wait");
    expect(closed.ended).toEqual(["r-1"]);
    expect(closed.seq).toBe(41);
  });

  test("with work left over keeps what it had reached, and says why", () => {
    const owing = oweRun(recordIn("promoted", { wait }), ticket, {
      reason: "AdoptionOverdue: waiting",
      error: "AdoptionOverdue",
    });

    expect(owing.run).toEqual({
      ...runs.promoted,
      owed: { reason: "AdoptionOverdue: waiting", error: "AdoptionOverdue" },
    });
    expect(owing).not.toHaveProperty("lease");
    expect(owing).not.toHaveProperty("wait");
    expect(owing.ended).toEqual(["r-1"]);
  });

  test("remembers the last eight runs, the newest last", () => {
    const ended = ["a", "b", "c", "d", "e", "f", "g", "h"];
    expect(closeRun(recordIn("dead", { ended }), ticket).ended).toEqual([...ended.slice(1), "r-1"]);
  });

  test.each([closeRun, (record: never, other: never) => oweRun(record, other, { reason: "late" })])(
    "is refused to a run without the fence",
    (end) => {
      expect(() => end(recordIn("dead") as never, late as never)).toThrow(Superseded);
    },
  );
});

describe("resuming a debt", () => {
  const owed = { reason: "AdoptionOverdue" };
  const owing = (phase: (typeof phases)[number]) => {
    const { lease: _freed, ...record } = recordIn(phase, { run: { ...runs[phase], owed } });
    return record;
  };

  test.each(promotedPhases)("in phase %s goes on where it stood, under a new name and deadline", (phase) => {
    const next = resumeRun(owing(phase), { ...opening, deadlineAtMs: 99_000 });

    expect(next.run).toEqual({ ...runs[phase], rotationId: "r-2", deadlineAtMs: 99_000 });
    expect(next.lease?.runId).toBe("r-2");
    expect(next.fence).toBe(ticket.fence + 1);
    expect(next.keys).toEqual(recordIn(phase).keys);
  });

  test("of a promotion that may have landed takes its incoming key over, so that a roll-back finds it", () => {
    const next = resumeRun(owing("promoting"), { ...opening, deadlineAtMs: 99_000 });

    expect(next.run).toEqual({ ...runs.promoting, rotationId: "r-2" });
    expect(next.keys).toEqual([retiringKey, { ...incomingKey, rotationId: "r-2" }]);
  });

  test("that had no key yet has none to take over", () => {
    const next = resumeRun(owing("opened"), { ...opening, deadlineAtMs: 99_000 });
    expect(next.run).toEqual({ ...runs.opened, rotationId: "r-2" });
    expect(next.keys).toEqual([retiringKey]);
  });

  test("needs one", () => {
    expect(() => resumeRun(emptyRecord(secretArn), { ...opening, deadlineAtMs: 1 })).toThrow(
      "there is no run to resume",
    );
  });
});

describe("giving up", () => {
  test.each(phasesBefore)(
    "in phase %s makes its own keys strays, and no promotion can start any more",
    (phase) => {
      const foreign = { name: "rekey/r-0/1", state: "intended" as const, rotationId: "r-0" };
      const record = recordIn(phase);

      const next = giveUp({ ...record, keys: [...record.keys, foreign] }, ticket);

      expect(next.run).toEqual({ ...runs.opened, givenUp: true });
      expect(stateOf(next, "key-1")).toBe("current");
      expect(stateOf(next, "key-2")).toBe(phase === "opened" ? undefined : "stray");
      expect(next.keys.at(-1)).toBe(foreign);
      expect(next.seq).toBe(41);
    },
  );

  test.each(["current", "retiring", "revoking"] as const)(
    "never makes a key that has been current and is %s a stray, whoever made it",
    (state) => {
      const record = recordIn("opened", { keys: [{ ...retiringKey, state, rotationId: "r-1" }] });
      expect(stateOf(giveUp(record, ticket), "key-1")).toBe(state);
    },
  );

  test.each(["promoting", ...promotedPhases] as const)(
    "in phase %s changes nothing: AWSCURRENT may have moved",
    (phase) => {
      const record = recordIn(phase);
      expect(giveUp(record, ticket)).toBe(record);
    },
  );

  test("is refused to a run without the fence", () => {
    expect(() => giveUp(recordIn("staged"), late)).toThrow(Superseded);
  });
});

describe("closing a run whose policy keeps the retiring key", () => {
  test("marks the key as kept, ends the run and frees the secret", () => {
    const next = closeRetained(recordIn("promoted"), ticket);
    expect(next.keys.map(({ keyId, retained }) => [keyId, retained])).toEqual([
      ["key-1", true],
      ["key-2", undefined],
    ]);
    expect(next).toMatchObject({ ended: ["r-1"] });
    expect(next.run).toBeUndefined();
    expect(next.lease).toBeUndefined();
  });

  test.each(["quarantined", "revoking", "revoked", "dead"] as const)("is refused once it is %s", (phase) => {
    expect(() => closeRetained(recordIn(phase), ticket)).toThrow(
      `the retiring key is ${phase}: it is not kept`,
    );
  });

  test("is refused before the promotion, after an abort, and to a run without the fence", () => {
    expect(() => closeRetained(recordIn("proven"), ticket)).toThrow(Superseded);
    const aborted = { by: "ada", reason: "wrong scopes" };
    expect(() => closeRetained(recordIn("promoted", { run: { ...runs.promoted, aborted } }), ticket)).toThrow(
      "ada aborted it",
    );
    expect(() => closeRetained(recordIn("promoted"), late)).toThrow(Superseded);
  });
});
