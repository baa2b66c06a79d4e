import { sayStanding, standingsOf } from "../../../core/adoption/standing.ts";
import { type AdoptionView, declaredConsumers } from "../../../core/adoption/view.ts";

const minute = 60_000;
const nowMs = 100 * minute;
const retiring = { keyId: "k1", versionId: "v1", fingerprint: "sha256:one" };
const incoming = { keyId: "k2", versionId: "v2", fingerprint: "sha256:two" };

interface Told {
  readonly holds?: typeof retiring;
  readonly agoMs?: number;
  readonly ended?: boolean;
  readonly uses?: readonly object[];
}

function view(reports: readonly Told[]): AdoptionView {
  return {
    ...{ retiring, incoming, promotedAtMs: nowMs - 90 * minute, nowMs },
    policy: {
      ...{ signals: [], quietMs: 0 },
      consumers: [
        {
          ...{ name: "billing", environment: "production", account: "111122223333", evidence: ["client"] },
          ...{ maxStaleMs: 15 * minute, demandUse: false, refresh: { kind: "announce" } },
        },
      ],
    },
    evidence: reports.map(({ holds = retiring, agoMs = minute, ended = false, uses = [] }, index) => ({
      ...{ kind: "client", consumer: "billing", environment: "production", account: "111122223333" },
      ...{ instance: `i${index}`, sequence: 1, maxStaleMs: minute, ended, uses, observedAtMs: nowMs - agoMs },
      holds: { fingerprint: holds.fingerprint, versionId: holds.versionId },
    })),
  } as AdoptionView;
}

const refused = [{ fingerprint: incoming.fingerprint, lastSuccessAgoMs: null, lastRefusalAgoMs: 1_000 }];

test.each<[string, readonly Told[], string]>([
  ["runs and is refused with the incoming key", [{ holds: incoming, uses: refused }], "failing"],
  ["runs with the key that no longer works", [{}], "cutOff"],
  ["was not heard from in its time", [{ agoMs: 20 * minute }], "silent"],
  ["said that it ends", [{ ended: true }], "gone"],
  ["never reported", [], "silent"],
  ["has one dead instance and one that is cut off", [{ ended: true }, { agoMs: 2 * minute }], "cutOff"],
  [
    "has an old instance and one that fails",
    [{ agoMs: 60 * minute }, { holds: incoming, uses: refused }],
    "failing",
  ],
])("a consumer that %s", (_title, reports, standing) => {
  expect(standingsOf(view(reports))).toMatchObject([{ consumer: "billing", standing }]);
});

test("a consumer that works with the incoming key is not named", () => {
  const works = [{ fingerprint: incoming.fingerprint, lastSuccessAgoMs: 10, lastRefusalAgoMs: 1_000 }];
  expect(standingsOf(view([{ holds: incoming, uses: works }]))).toEqual([]);
});

test("it says how many stand worst, and when the last of them was heard", () => {
  const reports = [{ agoMs: 3 * minute }, { agoMs: 2 * minute }, { agoMs: 60 * minute }, { ended: true }];
  expect(standingsOf(view(reports))).toEqual([
    { consumer: "billing", standing: "cutOff", instances: 2, seenAtMs: nowMs - 2 * minute },
  ]);
  expect(standingsOf(view([]))).toEqual([{ consumer: "billing", standing: "silent", instances: 0 }]);
});

test("one that was refused and is not heard from any more is silent", () => {
  const asked = view([{ holds: incoming, uses: refused, agoMs: 60 * minute }]);
  expect(standingsOf(asked)).toEqual([]);
  // Behind for another reason, it is named, and how it stands is what was heard of it last.
  const [billing] = declaredConsumers(asked).map((each) => ({ ...each, demandUse: true }));
  const consumers = billing === undefined ? [] : [billing];
  expect(standingsOf({ ...asked, policy: { ...asked.policy, consumers } })).toMatchObject([
    { standing: "silent", instances: 1 },
  ]);
});

test("an instance that works is not counted with those that are cut off", () => {
  const works = [{ fingerprint: incoming.fingerprint, lastSuccessAgoMs: 10, lastRefusalAgoMs: null }];
  expect(standingsOf(view([{ holds: incoming, uses: works }, {}]))).toMatchObject([
    { standing: "cutOff", instances: 1 },
  ]);
});

test("one whose last call was refused fails, however well it worked before, or at the same time", () => {
  const use = (lastSuccessAgoMs: number) => [
    { fingerprint: incoming.fingerprint, lastSuccessAgoMs, lastRefusalAgoMs: 1_000 },
  ];
  const failing = [{ standing: "failing" }];
  expect(standingsOf(view([{ holds: incoming, uses: use(5_000) }]))).toMatchObject(failing);
  expect(standingsOf(view([{ holds: incoming, uses: use(1_000) }]))).toMatchObject(failing);
  expect(standingsOf(view([{ holds: incoming, uses: use(999) }]))).toEqual([]);
});

test("a secret that nobody declared has nobody who stands badly", () => {
  const asked = view([{}]);
  expect(standingsOf({ ...asked, policy: { ...asked.policy, consumers: [] } })).toEqual([]);
});

test("each of the words says what was seen", () => {
  const said = (["failing", "cutOff", "silent", "gone"] as const).map((standing) =>
    sayStanding({ consumer: "billing", standing }),
  );
  expect(new Set(said).size).toBe(4);
  expect(said[2]).toContain("may still run");
});
