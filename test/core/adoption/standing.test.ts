import { sayStanding, standingsOf } from "../../../core/adoption/standing.ts";
import type { AdoptionView } from "../../../core/adoption/view.ts";

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

test("each of the words says what was seen", () => {
  const said = (["failing", "cutOff", "silent", "gone"] as const).map((standing) =>
    sayStanding({ consumer: "billing", standing }),
  );
  expect(new Set(said).size).toBe(4);
  expect(said[2]).toContain("may still run");
});
