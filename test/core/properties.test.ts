import fc from "fast-check";
import { adoption } from "../../core/adoption/adoption.ts";
import { type Evidence, evidenceKey, type InstanceEvidence, isNewer } from "../../core/adoption/evidence.ts";
import { Superseded } from "../../core/errors.ts";
import { keyName, parseKeyName } from "../../core/keys.ts";
import { decisionText, nextCheckMs } from "../../core/rotation/decision.ts";
import { type RevokeView, whyNotRepeatRevoke, whyNotRevoke } from "../../core/rotation/gate.ts";
import {
  claimAttempt,
  markDiscarded,
  markMerged,
  markMinted,
  markPromoted,
  markPromoting,
  markProven,
  markStaged,
} from "../../core/rotation/incoming.ts";
import { closeRun, giveUp, oweRun } from "../../core/rotation/lease.ts";
import { markProbed } from "../../core/rotation/probed.ts";
import { markQuarantined, markRestored, markRetiring, markRevoked } from "../../core/rotation/retiring.ts";
import type { SecretRecord, Ticket } from "../../core/rotation/secret-record.ts";
import { freeze, placeHold, storeWait } from "../../core/rotation/wait.ts";
import { consumer, incoming, minute, nowMs, quietMs, report, retiring } from "./adoption/adoption-world.ts";
import { phases, incoming as placed, recordIn, ticket } from "./rotation/record-world.ts";

const numRuns = 300;
fc.configureGlobal({ seed: 20_260_101 });

// ---- adoption --------------------------------------------------------------------------------------------

const fingerprint = fc.constantFrom(retiring.fingerprint, incoming.fingerprint, "sha256:FAKE-3");
const ago = fc.option(fc.integer({ min: 0, max: 20 * minute }), { nil: null });

const anyReport: fc.Arbitrary<InstanceEvidence> = fc
  .record({
    consumer: fc.constantFrom("billing", "search", "nobody"),
    environment: fc.constantFrom("production", "staging"),
    account: fc.constantFrom("111122223333", "999900001111"),
    instance: fc.constantFrom("i1", "i2", "i3"),
    sequence: fc.integer({ min: 1, max: 9 }),
    observedAtMs: fc.integer({ min: -5 * minute, max: nowMs }),
    maxStaleMs: fc.integer({ min: 0, max: 10 * minute }),
    holds: fingerprint.map((text) => ({ fingerprint: text, versionId: "v" })),
    uses: fc.array(fc.record({ fingerprint, lastSuccessAgoMs: ago, lastRefusalAgoMs: ago }), {
      maxLength: 2,
    }),
    ended: fc.boolean(),
  })
  .map((fields) => report(fields));

/** One piece of evidence per place, as the ledger keeps it. */
const anyEvidence: fc.Arbitrary<readonly Evidence[]> = fc
  .array(anyReport, { maxLength: 6 })
  .map((items) => [...new Map(items.map((item) => [evidenceKey(item), item])).values()]);

const consumers = [consumer(), consumer({ name: "search", maxStaleMs: minute })];
const policy = { consumers, signals: ["client"], quietMs } as const;

function ask(evidence: readonly Evidence[], change: { readonly promotedAtMs?: number } = {}) {
  return adoption({ policy, retiring, incoming, promotedAtMs: 0, nowMs, evidence, ...change });
}

const isDeclared = (item: InstanceEvidence) =>
  consumers.some(({ name }) => name === item.consumer) &&
  item.environment === "production" &&
  item.account === "111122223333";

describe("the adoption rule", () => {
  test("is never adopted while a declared live instance holds the retiring key", () => {
    const behind = anyReport.map((item) => ({
      ...item,
      ...{ consumer: "billing", environment: "production", account: "111122223333", ended: false },
      ...{ holds: retiring, observedAtMs: nowMs - 1_000, instance: "behind" },
    }));
    fc.assert(
      fc.property(anyEvidence, behind, (evidence, item) => {
        expect(ask([...evidence, item]).verdict).not.toBe("adopted");
      }),
      { numRuns },
    );
  });

  test("does not depend on the order of the evidence", () => {
    const shuffled = anyEvidence.chain((evidence) =>
      fc.tuple(fc.constant(evidence), fc.shuffledSubarray([...evidence], { minLength: evidence.length })),
    );
    fc.assert(
      fc.property(shuffled, ([evidence, other]) => {
        expect(decisionText(ask(other))).toBe(decisionText(ask(evidence)));
      }),
      { numRuns },
    );
  });

  test("hears nobody from another environment or account as one of its consumers", () => {
    const elsewhere = anyReport
      .filter((item) => !isDeclared(item))
      .map((item) => ({ ...item, holds: incoming, instance: "elsewhere" }));
    fc.assert(
      fc.property(anyEvidence, elsewhere, (evidence, item) => {
        expect(ask([...evidence, item]).verdict).toBe(ask(evidence).verdict);
      }),
      { numRuns },
    );
  });

  test("is never adopted when nobody who is declared has a report", () => {
    fc.assert(
      fc.property(anyEvidence, (evidence) => {
        const others = evidence.filter((item) => !isDeclared(item as InstanceEvidence));
        expect(ask(others).verdict).not.toBe("adopted");
      }),
      { numRuns },
    );
  });

  test("is not brought nearer by a promotion that came later", () => {
    fc.assert(
      fc.property(anyEvidence, fc.integer({ min: 0, max: nowMs }), (evidence, promotedAtMs) => {
        if (ask(evidence).verdict === "adopted") return;
        expect(ask(evidence, { promotedAtMs }).verdict).not.toBe("adopted");
      }),
      { numRuns },
    );
  });

  test("keeps of two reports the one with the higher number, whichever comes first", () => {
    fc.assert(
      fc.property(anyReport, anyReport, (one, two) => {
        fc.pre(one.sequence !== two.sequence);
        const kept = (first: Evidence, second: Evidence) => (isNewer(second, first) ? second : first);
        expect(kept(one, two)).toBe(kept(two, one));
      }),
      { numRuns },
    );
  });
});

// ---- the item --------------------------------------------------------------------------------------------

type Transition = (record: SecretRecord, held: Ticket) => SecretRecord;

const facts = { keyId: placed.keyId, fingerprint: placed.fingerprint };
const transitions: readonly Transition[] = [
  (record, held) => claimAttempt(record, held),
  (record, held) => markMinted(record, held, { attempt: 1, ...facts }),
  (record, held) => markStaged(record, held, { attempt: 1, incoming: placed }),
  (record, held) => markDiscarded(record, held, "rekey/r-1/1"),
  markProven,
  markPromoting,
  (record, held) => markPromoted(record, held, { promotedAtMs: 1, deadlineAtMs: 2 }),
  (record, held) => markMerged(record, held, { incomingVersionId: "v-9", retiringVersionId: "v-8" }),
  (record, held) => markQuarantined(record, held, { quarantinedAtMs: 1 }),
  markRestored,
  (record, held) => markRetiring(record, held, "revoking"),
  (record, held) => markRevoked(record, held, { revokedAtMs: 1 }),
  (record, held) => markRetiring(record, held, "dead"),
  (record, held) => markProbed(record, held, { answer: "refused", atMs: 1 }),
  giveUp,
  closeRun,
  (record, held) => oweRun(record, held, { reason: "because" }),
];

const anyPhase = fc.constantFrom(...phases);
const anyTransition = fc.constantFrom(...transitions);

/** What a transition makes of it; Superseded leaves it as it was. */
function tried(record: SecretRecord, change: Transition, held: Ticket): SecretRecord {
  try {
    return change(record, held);
  } catch (error) {
    if (error instanceof Superseded) return record;
    throw error;
  }
}

describe("the item of a secret", () => {
  test("keeps its fence through every transition of the run that holds it", () => {
    fc.assert(
      fc.property(anyPhase, fc.array(anyTransition, { maxLength: 8 }), (phase, changes) => {
        const last = changes.reduce((record, change) => tried(record, change, ticket), recordIn(phase));
        expect(last.fence).toBe(ticket.fence);
      }),
      { numRuns },
    );
  });

  test("is not changed at all by a run with an older fence or another name", () => {
    const stranger = fc.constantFrom(
      { ...ticket, fence: ticket.fence - 1 },
      { ...ticket, rotationId: "r-0" },
    );
    fc.assert(
      fc.property(anyPhase, anyTransition, stranger, (phase, change, held) => {
        const record = recordIn(phase);
        expect(() => change(record, held)).toThrow(Superseded);
      }),
      { numRuns },
    );
  });

  test("never goes back from a recorded revoke, whatever comes late", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("revoking" as const, "revoked" as const, "dead" as const),
        fc.array(anyTransition, { maxLength: 8 }),
        (phase, changes) => {
          for (let record = recordIn(phase), at = 0; at < changes.length; at++) {
            record = tried(record, changes[at] ?? markProven, ticket);
            expect([undefined, "revoking", "revoked", "dead"]).toContain(record.run?.phase);
          }
        },
      ),
      { numRuns },
    );
  });

  test("has one current key at most, and its revision of meaning only rises", () => {
    fc.assert(
      fc.property(anyPhase, fc.array(anyTransition, { maxLength: 8 }), (phase, changes) => {
        let record = recordIn(phase);
        for (const change of changes) {
          const next = tried(record, change, ticket);
          expect(next.seq).toBeGreaterThanOrEqual(record.seq);
          expect(next.keys.filter(({ state }) => state === "current").length).toBeLessThanOrEqual(1);
          record = next;
        }
      }),
      { numRuns },
    );
  });

  test("stores no wait for a decision that is older than the last news", () => {
    fc.assert(
      fc.property(anyPhase, fc.integer({ min: 0, max: 100 }), (phase, seenSeq) => {
        const record = recordIn(phase);
        const stored = storeWait(record, ticket, { token: "t", decision: "d", seenSeq });
        expect(stored === "decideAgain").toBe(seenSeq !== record.seq);
      }),
      { numRuns },
    );
  });
});

// ---- letting go ------------------------------------------------------------------------------------------

const view: RevokeView = {
  record: recordIn("promoted"),
  target: "key-1",
  current: { versionId: placed.versionId, fingerprint: placed.fingerprint },
  adoption: { verdict: "adopted" },
  missedInQuarantine: false,
  sharedWith: [],
  policy: { retain: false },
  nowMs: 5_000,
};

const obstacles: readonly Partial<RevokeView>[] = [
  { target: "key-2" },
  { target: "key-3" },
  { current: { versionId: "v", fingerprint: "sha256:1" } },
  { current: { versionId: "v", fingerprint: "sha256:3" } },
  { adoption: { verdict: "waiting", reasons: [] } },
  { adoption: { verdict: "contradicted", reasons: [] } },
  { missedInQuarantine: true },
  { stop: "stopped for all" },
  { sharedWith: ["arn:other"] },
  { policy: { retain: true } },
  { record: placeHold(recordIn("promoted"), { by: "ops", reason: "a launch" }) },
  { record: freeze(recordIn("promoted"), "somebody moved it") },
  { record: recordIn("proven") },
];

describe("the last question before a revoke", () => {
  test("is answered with a reason when anything at all is in the way", () => {
    expect(whyNotRevoke(view)).toBeUndefined();
    fc.assert(
      fc.property(fc.subarray([...obstacles], { minLength: 1 }), (chosen) => {
        expect(whyNotRevoke(Object.assign({}, view, ...chosen))).toBeDefined();
      }),
      { numRuns },
    );
  });

  test("is, of a recorded revoke, only which key and whether somebody put it back", () => {
    fc.assert(
      fc.property(fc.subarray([...obstacles], { minLength: 0 }), (chosen) => {
        const asked: RevokeView = Object.assign({}, view, ...chosen);
        const isOther = asked.target !== "key-1" || asked.current.fingerprint === "sha256:1";
        const isEarly = asked.record.run?.phase === "proven";
        expect(whyNotRepeatRevoke(asked) !== undefined).toBe(isOther || isEarly);
      }),
      { numRuns },
    );
  });
});

// ---- names, words and paces ------------------------------------------------------------------------------

const rotationId = fc.stringMatching(/^[A-Za-z0-9_-]{1,80}$/);

describe("a key's name", () => {
  test("says its run and attempt again", () => {
    fc.assert(
      fc.property(rotationId, fc.integer({ min: 1, max: 999_999 }), (run, attempt) => {
        expect(parseKeyName(keyName({ rotationId: run, attempt }))).toEqual({ rotationId: run, attempt });
      }),
      { numRuns },
    );
  });

  test("of somebody else's making is not taken for ours", () => {
    fc.assert(
      fc.property(fc.string(), (name) => {
        const made = parseKeyName(name);
        if (made !== undefined) expect(keyName(made)).toBe(name);
      }),
      { numRuns },
    );
  });
});

describe("a decision", () => {
  test("reads the same however old its reasons are, and stays short", () => {
    fc.assert(
      fc.property(anyEvidence, fc.integer({ min: 0, max: minute }), (evidence, laterMs) => {
        const aged = evidence.map((item) => ({ ...item, observedAtMs: item.observedAtMs + laterMs }));
        const later = adoption({
          ...{ policy, retiring, incoming, evidence: aged },
          ...{ promotedAtMs: laterMs, nowMs: nowMs + laterMs },
        });
        expect(decisionText(later)).toBe(decisionText(ask(evidence)));
        expect(decisionText(later).length).toBeLessThan(4_000);
      }),
      { numRuns },
    );
  });

  test("is never waited for past the deadline, nor for less than nothing", () => {
    const reason = { reason: "QuietWindowOpen", source: "policy", detail: "" } as const;
    const windows = fc.array(
      fc.integer({ min: 0, max: 99 }).map((remainingMs) => ({ ...reason, remainingMs })),
    );
    const untilDeadline = fc.integer({ min: -50, max: 200 });
    fc.assert(
      fc.property(windows, untilDeadline, (reasons, untilDeadlineMs) => {
        const waitMs = nextCheckMs({ reasons, untilDeadlineMs, lapMs: 20 });
        expect(waitMs).toBeGreaterThanOrEqual(0);
        expect(waitMs).toBeLessThanOrEqual(Math.max(0, untilDeadlineMs));
      }),
      { numRuns },
    );
  });
});
