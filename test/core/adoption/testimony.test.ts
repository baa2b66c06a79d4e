import type { Unproven } from "../../../core/adoption/evidence.ts";
import { mayRunUntilMs } from "../../../core/adoption/view.ts";
import type { Policy } from "../../../core/policy.ts";
import {
  consumer,
  incoming,
  minute,
  reasonsOf,
  report,
  retiring,
  said,
  second,
  use,
  view,
  withConsumers,
} from "./adoption-world.ts";

const only = (...reports: readonly ReturnType<typeof report>[]) => withConsumers([consumer()], reports);
const under = (reports: NonNullable<Policy["reports"]>, ...given: readonly ReturnType<typeof report>[]) =>
  view({ policy: { consumers: [consumer()], signals: [], quietMs: 0, reports }, evidence: given });

describe("a report that does not prove that its sender holds the key", () => {
  test.each<[Unproven, string]>([
    ["unsigned", "its client signs no reports"],
    ["signature", "the signature is not of this key"],
    ["source", "its event has another consumer's source"],
    ["late", "it was sent at another time"],
    ["keyUnknown", "no public half of this key is kept"],
  ])("(%s) is no adoption, and the reason says why", (unproven, why) => {
    const asked = only(report({ unproven }));
    expect(said(asked)).toEqual(["waiting", "NotProven billing i1 by client"]);
    expect(reasonsOf(asked)[0]?.detail).toContain(
      "reports the incoming key and does not prove that it holds it",
    );
    expect(reasonsOf(asked)[0]?.detail).toContain(why);
    expect(said(under("signed", report({ unproven })))[0]).toBe("waiting");
  });

  test("is believed where the policy takes any report, except a jump: that is another program", () => {
    expect(said(under("any", report({ unproven: "unsigned" })))).toEqual(["adopted"]);
    expect(said(under("any", report({ unproven: "jump" })))).toEqual([
      "contradicted",
      "TwoUnderOneName billing i1 by client",
      "NoLiveInstance billing by client",
    ]);
  });

  test("holds up the rotation all the same if it says that it holds the retiring key", () => {
    const behind = report({ unproven: "unsigned", holds: retiring });
    expect(said(only(behind))).toEqual(["waiting", "HoldsRetiringKey billing i1 by client"]);
    expect(said(only(report(), { ...behind, instance: "i2" }))).toEqual([
      "waiting",
      "HoldsRetiringKey billing i2 by client",
    ]);
  });

  test("is not of an instance that proves its reports", () => {
    expect(said(only(report({ unproven: "signature", holds: retiring }), report()))).toEqual(["adopted"]);
  });

  test("cannot end its instance", () => {
    const ended = { holds: retiring, ended: true } as const;
    expect(said(only(report(), report({ instance: "i2", ...ended, unproven: "unsigned" })))).toEqual([
      "waiting",
      "HoldsRetiringKey billing i2 by client",
    ]);
  });

  test("is not the run of a batch that has begun with the incoming key", () => {
    const batch = consumer({ cadenceMs: 60 * minute, evidence: ["exec"] });
    const begun = report({ kind: "exec", ended: true, observedAtMs: second });
    expect(said(withConsumers([batch], [begun]))).toEqual(["adopted"]);
    expect(said(withConsumers([batch], [{ ...begun, unproven: "unsigned" }]))).toEqual([
      "waiting",
      "NoLiveInstance billing by exec",
    ]);
  });

  test("is no use of the incoming key where use is demanded", () => {
    const used = report({ unproven: "unsigned", uses: [use(incoming, [second, null])] });
    expect(said(withConsumers([consumer({ demandUse: true })], [used]))).toContain(
      "IncomingKeyUnused billing by client",
    );
  });
});

describe("for how long a silent instance may still run", () => {
  const long = { maxStaleMs: 60 * minute } as const;

  test("is what the policy says, or longer if it says so itself", () => {
    expect(mayRunUntilMs(report({ observedAtMs: second }), only())).toBe(second + 5 * minute);
    expect(mayRunUntilMs(report({ observedAtMs: second, ...long }), only())).toBe(second + 60 * minute);
  });

  test("is what it says if it proves nothing and holds the retiring key", () => {
    const behind = report({ unproven: "unsigned", holds: retiring, observedAtMs: 0, ...long });
    expect(said(only(report(), { ...behind, instance: "i2" }))[0]).toBe("waiting");
  });

  test("is only the policy's time if it proves nothing and claims the incoming key", () => {
    const claim = report({ unproven: "unsigned", observedAtMs: 0, ...long });
    expect(said(only(report(), { ...claim, instance: "i2" }))).toEqual(["adopted"]);
    expect(mayRunUntilMs(claim, only())).toBe(5 * minute);
  });

  test("is its own time if it proves the incoming key, also from before the promotion", () => {
    expect(said(only(report({ observedAtMs: -second, ...long })))).toEqual(["adopted"]);
  });

  test("is a quarter of an hour at least if nobody declared it", () => {
    const stranger = report({ consumer: "stranger", observedAtMs: 0 });
    expect(mayRunUntilMs(stranger, only())).toBe(15 * minute);
  });
});
