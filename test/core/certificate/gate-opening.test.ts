import type { CopyEvidence, Evidence } from "../../../core/adoption/evidence.ts";
import { gateOpening } from "../../../core/certificate/gate-opening.ts";
import {
  account,
  attestation,
  consumer,
  incoming,
  lagMs,
  minute,
  nowMs,
  provider,
  quietMs,
  read,
  report,
  restart,
  retiring,
  second,
  use,
  view,
} from "../adoption/adoption-world.ts";

const opened = (fields: Parameters<typeof view>[0] = {}) =>
  gateOpening({ ...view(fields), seq: 4, asked: ["Held"] });
const copy: CopyEvidence = {
  ...{ kind: "copy", consumer: "billing", environment: "production", account },
  ...{ observedAtMs: nowMs, destination: "pages", destinationKind: "vercel", name: "BILLING_KEY" },
  ...{ activation: "redeploy", proof: "digest", versionId: "v2", state: "active", detail: "deployed" },
};
const rowsOf = (...evidence: readonly Evidence[]) => opened({ evidence }).rows;

test("says when the gate opened, for which keys, and after how much quiet", () => {
  expect(opened()).toMatchObject({
    ...{ seq: 4, openedAtMs: nowMs, promotedAtMs: 0, asked: ["Held"], retiring, incoming, rowsOmitted: 0 },
    quiet: { fromMs: 0, untilMs: nowMs, neededMs: quietMs + lagMs, signals: ["client", "provider"] },
  });
});

describe("the provider's figures", () => {
  const seen = { keyId: "k2", seenAtMs: nowMs };

  test("are kept where the policy names that signal", () => {
    const both = provider({ incoming: seen });
    expect(opened({ evidence: [both] }).provider).toEqual({
      ...{ observedAtMs: nowMs, lagMs, retiring: both.retiring, incoming: seen },
    });
  });

  test("are only those that it gave", () => {
    const bare: Evidence = { kind: "provider", observedAtMs: nowMs };
    expect(opened({ evidence: [bare] }).provider).toEqual({ observedAtMs: nowMs });
  });

  test("are left out where the policy does not, or there are none", () => {
    expect(opened({ policy: { signals: ["client"] } })).not.toHaveProperty("provider");
    expect(opened({ evidence: [report()] })).not.toHaveProperty("provider");
  });
});

describe("what counts for the incoming key", () => {
  test.each<[string, Evidence, number]>([
    ["a live instance that holds it", report(), 1],
    ["an instance that holds the retiring key", report({ holds: retiring }), 0],
    ["an instance that said that it ended", report({ ended: true }), 0],
    ["a restart with its version", restart(), 1],
    ["a restart with the version before", restart({ versionId: "v1" }), 0],
    ["a copy in use", copy, 1],
    ["a copy that nothing uses yet", { ...copy, state: "activating" }, 0],
  ])("%s: %#", (_, item, rows) => {
    expect(rowsOf(item)).toHaveLength(rows);
  });

  test("a copy's row says where it is, and its mark where the place has one", () => {
    const place = { destination: "pages", kind: "vercel", name: "BILLING_KEY" };
    const shown = { ...place, activation: "redeploy", proof: "digest" };
    expect(rowsOf(copy)[0]).toMatchObject({ state: "deployed", holds: { versionId: "v2" } });
    expect(rowsOf(copy)[0]?.copy).toEqual(shown);
    expect(rowsOf({ ...copy, mark: "m1" })[0]?.copy).toEqual({ ...shown, mark: "m1" });
  });
});

describe("a row", () => {
  test("of an instance gives the times of its uses on one clock", () => {
    const uses = [use(incoming, [second, null]), use(retiring, [3 * minute, null])];
    const observedAtMs = nowMs - second;
    expect(rowsOf(report({ uses }))[0]).toMatchObject({
      ...{ source: "client", claim: "reported", declared: true, instance: "i1", receivedAtMs: observedAtMs },
      lastSuccessWithIncomingMs: observedAtMs - second,
      lastUseOfRetiringMs: observedAtMs - 3 * minute,
    });
  });

  test("of an instance that used neither key gives no such times", () => {
    const [row] = rowsOf(report());
    expect(row).not.toHaveProperty("lastSuccessWithIncomingMs");
    expect(row).not.toHaveProperty("lastUseOfRetiringMs");
  });

  test("of a program that the policy does not name says so", () => {
    expect(rowsOf(report({ consumer: "search" }))[0]).toMatchObject({ consumer: "search", declared: false });
  });

  test.each<[Evidence, object]>([
    [read(), { claim: "observed", principal: read().principal }],
    [attestation(), { claim: "attested", principal: attestation().principal }],
    [restart(), { claim: "observed", state: "finished, 3 running" }],
    [restart({ kind: "lambda" }), { source: "lambda", state: "finished, 3 running" }],
    [restart({ kind: "kubernetes" }), { source: "kubernetes", state: "finished, 3 running" }],
  ])("of $kind shows who or what was seen", (item, shown) => {
    expect(rowsOf(item)[0]).toMatchObject({ holds: { versionId: "v2" }, ...shown });
  });

  test("beyond two hundred is counted instead of kept", () => {
    const evidence = Array.from({ length: 203 }, (_, index) => report({ instance: `i${index}` }));
    const { rows, rowsOmitted, consumers } = opened({ evidence });
    expect([rows.length, rowsOmitted, consumers[0]?.rows]).toEqual([200, 3, 203]);
  });
});

describe("a consumer's adoption is worth", () => {
  const worthOf = (needs: Parameters<typeof consumer>[0], evidence: readonly Evidence[]) =>
    opened({ policy: { consumers: [consumer(needs)] }, evidence }).consumers[0]?.worth;

  test("the weakest claim that it needs", () => {
    const both = [restart(), attestation()];
    expect(worthOf({ evidence: ["ecs", "attestation"] }, both)).toBe("attested");
  });

  test("no less for evidence that it does not need", () => {
    expect(worthOf({ evidence: ["ecs"] }, [restart(), attestation()])).toBe("observed");
  });

  test("nothing where nothing spoke for it", () => {
    expect(worthOf({ evidence: ["ecs"] }, [])).toBe("nothing");
  });

  test("what its copies show, where it has any, whatever else it needs", () => {
    const copies = [{ to: "pages", as: "BILLING_KEY" }];
    expect(worthOf({ evidence: ["client"], copies }, [copy])).toBe("observed");
    expect(worthOf({ evidence: ["client"] }, [copy])).toBe("nothing");
  });
});
