import { stoppedAtMs, whyCutOff } from "../../../core/incident/cut-off.ts";
import type { KeyInScope, SecretInScope } from "../../../core/incident/record.ts";
import { incident, keyWith, secretWith } from "./incident-world.ts";

const holder = secretWith({ keyId: "k1" });
const cut = (facts: Partial<SecretInScope> = {}) =>
  secretWith({
    keyId: "k1",
    standings: [
      { consumer: "billing", standing: "cutOff", instances: 2, owner: "team-pay" },
      { consumer: "search", standing: "failing", instances: 1 },
      { consumer: "mail", standing: "silent", instances: 0 },
    ],
    ...facts,
  });

test.each<[string, Partial<KeyInScope>, number | undefined]>([
  ["works", {}, undefined],
  ["was disabled", { state: "quarantined", quarantinedAtMs: 10, acceptedAtMs: 20 }, 10],
  ["was disabled, at a time nobody kept", { state: "quarantined" }, undefined],
  ["was revoked", { state: "accepted", acceptedAtMs: 20 }, 20],
  ["was seen dead, with no revoke of ours", { state: "dead", deadAtMs: 30 }, 30],
  ["was revoked, and its quarantine undone before", { quarantinedAtMs: 10, acceptedAtMs: 20 }, 20],
])("a key that %s stopped then", (_, facts, atMs) => {
  expect(stoppedAtMs(holder, [keyWith(facts)])).toBe(atMs);
});

test("who is alive and refused is cut off, with the owner; who is only silent is not", () => {
  const keys = [keyWith({ state: "accepted", acceptedAtMs: 20 })];
  expect(whyCutOff(incident({ keys, secrets: [cut()] }), "arn:1")).toEqual({
    sinceMs: 20,
    why:
      "billing: billing is cut off: alive, with the key that no longer works (owner: team-pay); " +
      "search is failing: alive, and refused with the incoming key (owner: nobody named)",
  });
});

const accepted = [keyWith({ state: "accepted", acceptedAtMs: 20 })];

test.each<[string, Parameters<typeof incident>[0]]>([
  ["while the key works", { keys: [keyWith()], secrets: [cut()] }],
  ["of another secret", { keys: accepted, secrets: [cut({ secretArn: "arn:2" })] }],
  ["where nobody was asked about", { keys: accepted, secrets: [holder] }],
  ["where everybody is gone", { keys: accepted, secrets: [cut({ standings: [] })] }],
])("nobody is cut off %s", (_, facts) => {
  expect(whyCutOff(incident(facts), "arn:1")).toBeUndefined();
});
