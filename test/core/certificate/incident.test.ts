import { type IncidentFacts, incidentStatement } from "../../../core/certificate/incident.ts";
import type { AlertSeen, IncidentRecord, KeyInScope } from "../../../core/incident/record.ts";
import { incident, keyWith, minute, openedAtMs, secretWith, word } from "../incident/incident-world.ts";
import { ada, chain, digest, entry, fingerprintOf, namesIn } from "./certificate-world.ts";

function certified(facts: Partial<IncidentRecord> = {}, copies: IncidentFacts["copies"] = new Map()) {
  return incidentStatement(
    {
      ...{ deployment: "d-1", incident: incident(facts), certifiedAtMs: openedAtMs + 20 * minute },
      copies,
      chains: [chain([entry({ actor: ada, action: "KeyWaived" })])],
    },
    digest,
  );
}
const said = (facts: Partial<IncidentRecord> = {}) => certified(facts).predicate;

const controls = { neverIssued: "refused", accepted: { keyId: "k2", answer: "valid" } } as const;
const dead = (facts: Partial<KeyInScope> = {}) =>
  keyWith({
    ...{ state: "dead", how: "refused", controls, probes: 3, refusals: 2 },
    ...{ acceptedAtMs: openedAtMs + minute, deadAtMs: openedAtMs + 2 * minute, ...facts },
  });
const waived = keyWith({ keyId: "k3", waiver: word });

test("is about the incident, its secrets, its keys by their text, and the audit chains", () => {
  const fingerprint = fingerprintOf("FAKE-1");
  expect(namesIn(certified({ keys: [dead({ fingerprint })] }))).toEqual([
    ...["incident:i-1", "deployment:d-1", "secret:arn:1", "compromised:k1", "audit:billing:9"],
  ]);
});

test.each<[string, Partial<IncidentRecord>]>([
  ["falseAlarm", { status: "falseAlarm", keys: [dead()] }],
  ["waived", { keys: [dead(), waived] }],
  ["containedByListing", { keys: [dead({ how: "listing" })] }],
  ["contained", { keys: [dead(), dead({ how: "listing" })] }],
  ["contained", { keys: [] }],
])("ends as %s: %#", (ending, facts) => {
  expect(said(facts)).toMatchObject({ kind: "incident", ending });
});

test("an alert is what its sender reported, and no more", () => {
  const alert: AlertSeen = {
    ...{ source: "github", sourceId: "a-1", principal: "github", receivedAtMs: openedAtMs },
    ...{ exposure: "public", verified: "live", match: { by: "keyId", text: "k1" }, where: [] },
  };
  const exposedAtMs = openedAtMs - minute;
  expect(said({ alerts: [alert], exposedAtMs })["incident"]).toMatchObject({
    ...{ incidentId: "i-1", plan: "contain-first", exposedAt: "1970-01-01T01:39:00.000Z" },
    reports: [{ claim: "reported", by: "github", exposure: "public", verified: "live" }],
  });
});

describe("a key", () => {
  const keyIn = (key: KeyInScope) => (said({ keys: [key] })["keys"] as readonly object[])[0];

  test("that is dead has the proof, with what the same call said of other keys", () => {
    expect(keyIn(dead({ firstRefusedAtMs: openedAtMs }))).toMatchObject({
      revoke: { claim: "observed", acceptedAt: "1970-01-01T01:41:00.000Z" },
      death: {
        ...{ claim: "observed", how: "refused", probes: 3, refusalsInARow: 2, controls },
        ...{ firstRefusedAt: "1970-01-01T01:40:00.000Z", deadAt: "1970-01-01T01:42:00.000Z" },
      },
    });
  });

  test("that a person revoked was revoked by that person's word", () => {
    expect(keyIn(dead({ byHand: true }))).toMatchObject({ revoke: { claim: "attested" } });
  });

  test("that was waived has no death, and the waiver is a statement", () => {
    expect(keyIn(waived)).not.toHaveProperty("death");
    expect(keyIn(waived)).toMatchObject({ waiver: { claim: "attested", by: "ada", reason: "sure" } });
  });

  test("without controls claims none", () => {
    const { controls: _left, ...bare } = dead();
    expect(keyIn(bare)).not.toHaveProperty("death.controls");
    expect(keyIn(bare)).not.toHaveProperty("waiver");
  });
});

test("a secret shows who moved, by their own report", () => {
  const secrets = [secretWith({ replacement: "adopted", moved: [{ consumer: "search", atMs: openedAtMs }] })];
  expect(said({ secrets })["secrets"]).toMatchObject([
    { name: "billing", moved: [{ claim: "reported", consumer: "search", at: "1970-01-01T01:40:00.000Z" }] },
  ]);
});

test("pages show which channel took them", () => {
  const page = {
    reason: "opened",
    severity: "page",
    why: "a leak",
    delivered: ["slack"],
    failed: [],
  } as const;
  expect(said({ pages: [{ ...page, atMs: openedAtMs }] })["pages"]).toEqual([
    {
      ...{ claim: "observed", at: "1970-01-01T01:40:00.000Z", reason: "opened", severity: "page" },
      ...{ delivered: ["slack"], failed: [] },
    },
  ]);
});

describe("the two clocks", () => {
  type Minutes = readonly [accepted: number | undefined, dead: number | undefined];

  test.each<[string, readonly KeyInScope[], Minutes]>([
    ["run to the slowest key", [dead(), dead({ acceptedAtMs: openedAtMs + 3 * minute })], [3, 2]],
    ["take a death that no revoke came before for both", [without("acceptedAtMs")], [2, 2]],
    ["stay open while a key still works", [dead(), waived], [undefined, undefined]],
    ["stay open one by one", [without("deadAtMs")], [1, undefined]],
    ["stay open without a key", [], [undefined, undefined]],
  ])("%s", (_, keys, [acceptedMin, deadMin]) => {
    const minutes = (count: number | undefined) => count && count * minute;
    const clocks = said({ keys })["clocks"] as Readonly<Record<string, number>>;
    expect(clocks["deadlineMs"]).toBe(15 * minute);
    expect(clocks["detectedToAcceptedMs"]).toBe(minutes(acceptedMin));
    expect(clocks["detectedToDeadMs"]).toBe(minutes(deadMin));
  });

  function without(field: "acceptedAtMs" | "deadAtMs"): KeyInScope {
    const { [field]: _left, ...rest } = dead();
    return rest;
  }
});

describe("what was not checked", () => {
  const looked = "who read the secret and what the key did: it was not looked up";
  const always = "copies of the key that nobody reported";
  const uncompared = (keyId: string) =>
    `that the call which refused key ${keyId} accepts a live key: none was at hand`;
  const { controls: _none, keyId: _id, ...nameless } = dead();
  const { keyId: _other, ...waivedNameless } = waived;

  test.each<[string, Partial<IncidentRecord>, readonly string[]]>([
    ["nothing of a key that was refused under controls", { keys: [dead()] }, [looked]],
    [
      "the call, of a key that only is missing from the listing",
      { keys: [dead({ how: "listing" })] },
      ["a call with key k1: nobody holds its plaintext, so it only is missing from the listing", looked],
    ],
    [
      "the comparison, where no live key was at hand",
      { keys: [dead({ controls: { neverIssued: "refused" } }), nameless] },
      [uncompared("k1"), uncompared("unknown"), looked],
    ],
    [
      "the death of a waived key, until it is dead after all",
      { keys: [waived, waivedNameless, dead({ waiver: word })] },
      [
        "that key k3 is dead: a person waived the proof",
        "that key unknown is dead: a person waived the proof",
        looked,
      ],
    ],
    [
      "consumers that are behind",
      { keys: [], secrets: [secretWith({ behind: ["search", "mail"] }), secretWith()] },
      ["that these consumers of billing hold the replacement: search, mail", looked],
    ],
    [
      "and which of their copies are",
      {
        keys: [],
        secrets: [
          secretWith({
            behind: ["shop"],
            copiesBehind: [{ consumer: "shop", why: "CopyFailed: KEY at web: red" }],
          }),
        ],
      },
      ["that these consumers of billing hold the replacement: shop; CopyFailed: KEY at web: red", looked],
    ],
    [
      "what the look at its use left out",
      {
        keys: [],
        scope: {
          readers: [],
          keyUse: [],
          newKeys: [],
          siblings: [],
          ended: "timeBoxed",
          notChecked: ["reads"],
        },
      },
      ["reads"],
    ],
  ])("is %s", (_, facts, sentences) => {
    expect(said(facts)["notChecked"]).toEqual([...sentences, always]);
  });
});

test("orders come from the chains", () => {
  expect(said()["orders"]).toMatchObject([{ action: "KeyWaived", by: ada }]);
});
