import { adoption } from "../../../core/adoption/adoption.ts";
import { areCopiesOwed, sayCopiesBehind } from "../../../core/adoption/copies.ts";
import type { CopyEvidence } from "../../../core/adoption/evidence.ts";
import { evidenceKey, isMaterial, mayForget } from "../../../core/adoption/evidence.ts";
import { sayReason, sayWanted } from "../../../core/adoption/reason-text.ts";
import type { AdoptionReason, AdoptionView } from "../../../core/adoption/view.ts";
import { gateOpening } from "../../../core/certificate/gate-opening.ts";
import type { ConsumerPolicy } from "../../../core/policy.ts";

const key = (name: string) => ({ keyId: name, versionId: `v-${name}`, fingerprint: `sha256:${name}` });
const nowMs = 1_000_000;

const evidence = (given: Partial<CopyEvidence> = {}): CopyEvidence => ({
  ...{ kind: "copy", consumer: "shop", environment: "production", account: "111122223333" },
  ...{ destination: "web", destinationKind: "vercel", name: "KEY", versionId: "v-incoming" },
  ...{ state: "active", activation: "redeploy", proof: "updated_at", mark: "m1" },
  ...{ detail: "served", observedAtMs: nowMs, activeSinceMs: 0 },
  ...given,
});

function view(items: readonly CopyEvidence[], copies = [{ to: "web", as: "KEY" }]): AdoptionView {
  const consumer: ConsumerPolicy = {
    ...{ name: "shop", environment: "production", account: "111122223333", evidence: ["copy"] },
    ...{ maxStaleMs: 60_000, demandUse: false, refresh: { kind: "announce" }, copies },
  };
  return {
    policy: { consumers: [consumer], signals: [], quietMs: 0 },
    ...{ retiring: key("retiring"), incoming: key("incoming"), promotedAtMs: 0, nowMs, evidence: items },
  };
}

function reasonsOf(asked: AdoptionView): readonly AdoptionReason[] {
  const verdict = adoption(asked);
  return verdict.verdict === "adopted" ? [] : verdict.reasons;
}

test("a copy that is used, and whose former readers must be stale, is adopted", () => {
  expect(adoption(view([evidence()]))).toEqual({ verdict: "adopted" });
});

test.each([
  ["unwritten", "CopyNotWritten"],
  ["unknown", "CopyNotWritten"],
  ["changed", "CopyChanged"],
  ["elsewhere", "CopyElsewhere"],
  ["failed", "CopyFailed"],
  ["activating", "CopyNotActive"],
] as const)("a copy that is %s is none: %s", (state, reason) => {
  const reasons = reasonsOf(view([evidence({ state })]));
  const detail = expect.stringMatching(/served$/);
  expect(reasons).toMatchObject([{ reason, consumer: "shop", source: "copy", detail }]);
  expect(sayCopiesBehind(reasons)).toEqual([
    { consumer: "shop", why: expect.stringMatching(`^${reason}: .*served$`) },
  ]);
  expect(sayCopiesBehind(reasons.map((each) => ({ ...each, source: "provider" as const })))).toEqual([]);
  for (const each of reasons) {
    expect(sayReason(each)).toContain("served");
    expect(sayWanted(each)).toEqual(expect.any(String));
  }
});

test("without a word of the destination nothing was written", () => {
  expect(reasonsOf(view([]))).toMatchObject([{ reason: "CopyNotWritten" }]);
});

test.each<[string, Partial<CopyEvidence>]>([
  ["of the retiring version", { versionId: "v-retiring" }],
  ["of another destination", { destination: "ci" }],
  ["of another name", { name: "OTHER" }],
  ["of another environment", { environment: "staging" }],
  ["of another account", { account: "444455556666" }],
])("a word %s is about something else", (_what, given) => {
  expect(reasonsOf(view([evidence(given)]))).toMatchObject([{ reason: "CopyNotWritten" }]);
});

test("every copy is asked about", () => {
  const copies = [
    { to: "web", as: "KEY" },
    { to: "ci", as: "KEY" },
  ];
  expect(reasonsOf(view([evidence()], copies))).toMatchObject([
    { reason: "CopyNotWritten", detail: expect.stringContaining("ci") },
  ]);
});

test("what ran before keeps the retiring key until it is stale; a run has ended before its copy counts", () => {
  const activeSinceMs = nowMs - 59_999;
  expect(reasonsOf(view([evidence({ activeSinceMs })]))).toMatchObject([
    { reason: "CopyNotActive", remainingMs: 1 },
  ]);
  expect(reasonsOf(view([evidence({ activeSinceMs: nowMs - 60_000 })]))).toEqual([]);
  expect(reasonsOf(view([evidence({ activeSinceMs, activation: "next-run" })]))).toEqual([]);
  const { activeSinceMs: _none, ...first } = evidence();
  expect(reasonsOf(view([first]))).toMatchObject([{ remainingMs: 60_000 }]);
});

test("what is still to come gets shorter as the look gets older", () => {
  const looked = evidence({ state: "activating", remainingMs: 5_000, observedAtMs: nowMs - 2_000 });
  expect(reasonsOf(view([looked]))).toMatchObject([{ remainingMs: 3_000, agoMs: 2_000 }]);
});

test("a copy is owed while it is not written, was changed, or nothing has begun to use it", () => {
  const reason = (name: AdoptionReason["reason"], more = {}) =>
    ({ reason: name, source: "copy", detail: "", ...more }) as const;
  expect(areCopiesOwed([reason("CopyNotWritten")])).toBe(true);
  expect(areCopiesOwed([reason("CopyChanged")])).toBe(true);
  expect(areCopiesOwed([reason("CopyNotActive")])).toBe(true);
  expect(areCopiesOwed([reason("CopyNotActive", { remainingMs: 5 }), reason("CopyFailed")])).toBe(false);
  expect(areCopiesOwed([])).toBe(false);
});

test("a copy's evidence is one record for each version, material when its state changes, and forgotten with it", () => {
  expect(evidenceKey(evidence())).toBe("copy/production/shop/web/KEY/v-incoming");
  expect(isMaterial(evidence({ state: "failed" }), evidence())).toBe(true);
  expect(isMaterial(evidence({ observedAtMs: 1 }), evidence())).toBe(false);
  const incoming = { fingerprint: "sha256:incoming", versionId: "v-incoming" };
  expect(mayForget(evidence(), { incoming, atMs: nowMs })).toBe(false);
  expect(mayForget(evidence({ versionId: "v-retiring" }), { incoming, atMs: nowMs })).toBe(true);
});

test("the certificate's row names the place and its proof, for what is in use only", () => {
  const asked = view([evidence(), evidence({ destination: "ci", state: "failed" })]);
  const { rows, consumers } = gateOpening({ ...asked, seq: 1, asked: [] });
  expect(rows).toMatchObject([
    {
      source: "copy",
      claim: "observed",
      copy: {
        destination: "web",
        kind: "vercel",
        name: "KEY",
        activation: "redeploy",
        proof: "updated_at",
        mark: "m1",
      },
    },
  ]);
  expect(consumers).toMatchObject([{ name: "shop", worth: "observed", rows: 1 }]);
  const { mark: _none, ...silent } = evidence({ proof: "none" });
  expect(gateOpening({ ...view([silent]), seq: 1, asked: [] }).rows[0]?.copy).not.toHaveProperty("mark");
});
