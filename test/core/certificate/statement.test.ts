import {
  auditOf,
  chainSubject,
  keySubject,
  namedSubject,
  ordersIn,
  timeAs,
} from "../../../core/certificate/statement.ts";
import { ada, chain, digest, entry, fingerprintOf } from "./certificate-world.ts";

test("whoever expects a name can compute the subject's digest from it", () => {
  const sha256 = digest.sha256Hex("rotation:r-1");
  expect(namedSubject("rotation:r-1", digest)).toEqual({ name: "rotation:r-1", digest: { sha256 } });
});

const hex = digest.sha256Hex("FAKE-1");

test.each([
  [{ keyId: "k1", fingerprint: fingerprintOf("FAKE-1") }, [{ name: "retiring:k1", digest: { sha256: hex } }]],
  [{ fingerprint: fingerprintOf("FAKE-1") }, [{ name: "retiring:unknown", digest: { sha256: hex } }]],
  [{ keyId: "k1" }, []],
  [{ keyId: "k1", fingerprint: `hmac:${hex}` }, []],
])("a key is a subject only by the SHA-256 of its text: %j", (key, subjects) => {
  expect(keySubject("retiring", key)).toEqual(subjects);
});

test("a chain is a subject by its head", () => {
  expect(chainSubject(chain())).toEqual({ name: "audit:billing:9", digest: { sha256: "h9" } });
});

test("a time that is not known is left out", () => {
  expect(timeAs("deadAt", 1_500)).toEqual({ deadAt: "1970-01-01T00:00:01.500Z" });
  expect(timeAs("deadAt", undefined)).toEqual({});
});

describe("orders", () => {
  test("are what AWS principals did; a run's own steps are none", () => {
    const entries = [entry(), entry({ actor: ada, action: "HoldPlaced", detail: { reason: "a launch" } })];
    expect(ordersIn([chain(entries)])).toEqual([
      {
        ...{ action: "HoldPlaced", by: ada, at: "1970-01-01T00:00:01.000Z", detail: { reason: "a launch" } },
        ...{ claim: "observed", entry: { seq: 1, sha256: "h1" } },
      },
    ]);
  });

  test("an attestation is only what a person stated", () => {
    const entries = [entry({ actor: ada, action: "AdoptionAttested" })];
    expect(ordersIn([chain(entries)])).toMatchObject([{ claim: "attested" }]);
  });

  test("are at most a hundred, of all chains together", () => {
    const many = Array.from({ length: 60 }, (_, seq) => entry({ seq, actor: ada }));
    expect(ordersIn([chain(many), chain(many)])).toHaveLength(100);
  });
});

test("of a long chain the newest entries are quoted, and the others are counted", () => {
  const many = Array.from({ length: 203 }, (_, seq) => entry({ seq, hash: `h${seq}` }));
  const { entries, ...rest } = auditOf(chain(many)) as { entries: readonly { seq: number }[] };
  expect(rest).toEqual({
    ...{ chain: "billing", head: { seq: 9, sha256: "h9" }, verified: true, entriesOmitted: 3 },
  });
  expect(entries).toHaveLength(200);
  expect(entries[0]).toEqual({
    ...{ seq: 3, sha256: "h3", action: "RotationOpened", at: "1970-01-01T00:00:01.000Z" },
  });
});
