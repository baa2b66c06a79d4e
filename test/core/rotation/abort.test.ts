import { afterAbort, markAborted, whyNotAbort } from "../../../core/rotation/abort.ts";
import { markPromoting } from "../../../core/rotation/incoming.ts";
import { baseOf, emptyRecord, type Run, type SecretRecord } from "../../../core/rotation/secret-record.ts";

const place = (name: string) => ({
  keyId: `k-${name}`,
  versionId: `v-${name}`,
  fingerprint: `sha256:FAKE-${name}`,
});
const base = { rotationId: "r-1", attempt: 1, retiring: place("1") };
const order = { rotationId: "r-1", by: "ada", reason: "wrong scopes" };

function held(
  run: Partial<Run> & Pick<Run, "phase">,
  kind: "rotation" | "incident" = "rotation",
): SecretRecord {
  const incoming = run.phase === "opened" ? {} : { incoming: place("2") };
  return {
    ...emptyRecord("arn:FAKE"),
    lease: { runId: "r-1", kind, executionArn: "arn:run" },
    run: { ...base, ...incoming, promotedAtMs: 1, deadlineAtMs: 2, ...run } as Run,
    wait: { rotationId: "r-1", token: "t", decision: "d" },
  };
}

test.each(["opened", "staged", "proven", "promoting", "promoted", "quarantined"] as const)(
  "a run that is %s can be aborted, and its wait stays until the machine has heard of it",
  (phase) => {
    const record = held({ phase });
    expect(whyNotAbort(record, "r-1")).toBeUndefined();
    const next = markAborted(record, order);
    expect(next).toMatchObject({ seq: 1, run: { phase, aborted: { by: "ada", reason: "wrong scopes" } } });
    expect(next.wait).toEqual(record.wait);
  },
);

test.each([
  ["TooLate", held({ phase: "revoking" }), "r-1"],
  ["TooLate", held({ phase: "revoked" }), "r-1"],
  ["TooLate", held({ phase: "dead" }), "r-1"],
  ["AlreadyAborted", held({ phase: "proven", aborted: { by: "eve", reason: "first" } }), "r-1"],
  ["IncidentWork", held({ phase: "promoted" }, "incident"), "r-1"],
  ["NotAtWork", held({ phase: "promoted" }), "r-2"],
  ["NotAtWork", emptyRecord("arn:FAKE"), "r-1"],
])("%s: the order changes nothing", (reason, record, rotationId) => {
  expect(whyNotAbort(record, rotationId)?.reason).toBe(reason);
  expect(markAborted(record, { ...order, rotationId })).toBe(record);
});

test("no transition of an aborted run begins anything, and its taking over keeps the order", () => {
  const record = held({ phase: "proven", aborted: { by: "eve", reason: "the wrong project" } });
  expect(() =>
    markPromoting(record, { secretArn: "arn:FAKE", rotationId: "r-1", fence: record.fence }),
  ).toThrow("eve aborted it: the wrong project");
  expect(record.run && baseOf(record.run)).toEqual({
    ...base,
    aborted: { by: "eve", reason: "the wrong project" },
  });
  expect(baseOf({ ...base, phase: "opened" })).toEqual(base);
});

test("what is promoted, or may be, keeps both keys", () => {
  const results = (["opened", "staged", "proven", "promoting", "promoted"] as const).map((phase) => {
    const { run } = held({ phase });
    return run && afterAbort(run);
  });
  expect(results).toEqual(["undone", "undone", "undone", "bothKeysKept", "bothKeysKept"]);
});

describe("an order that comes to nothing says why", () => {
  const why = (record: SecretRecord, rotationId = "r-1") => whyNotAbort(record, rotationId)?.detail;

  test("another run has the secret, or the run is over", () => {
    expect(why(held({ phase: "promoted" }), "r-2")).toBe(
      "r-2 holds no secret: it is over, or another run took over",
    );
    const { run: _none, ...freed } = held({ phase: "opened" });
    expect(why(freed)).toBe("r-1 holds no secret: it is over, or another run took over");
    expect(markAborted(freed, order)).toBe(freed);
  });

  test("an incident is at work", () => {
    expect(why(held({ phase: "promoted" }, "incident"))).toBe(
      "an incident replaces a leaked key: only the incident ends it",
    );
  });

  test("somebody else aborted it, or the revoke is recorded", () => {
    expect(why(held({ phase: "proven", aborted: { by: "eve", reason: "first" } }))).toBe(
      "eve aborted it: first",
    );
    for (const phase of ["revoking", "revoked", "dead"] as const)
      expect(why(held({ phase }))).toBe("the revoke of the retiring key is recorded, and counts as done");
  });
});
