import type { AdoptionView } from "../../../core/adoption/adoption.ts";
import { attestation, consumer, nowMs, provider, restart, said, withConsumers } from "./adoption-world.ts";

const on = (...evidence: readonly ReturnType<typeof restart>[]) =>
  withConsumers([consumer({ evidence: ["ecs"] })], evidence);
const usedAt = (lastUsedAtMs: number) => ({ keyId: "k2", seenAtMs: nowMs, lastUsedAtMs });

const rows: readonly (readonly [string, AdoptionView, readonly string[]])[] = [
  [
    "that gives each start another version is no move",
    on(restart({ wiring: "pinned" })),
    ["waiting", "WiredToOldVersion billing by ecs"],
  ],
  [
    "that gives another version is none either where the key was seen in use",
    withConsumers(
      [consumer({ evidence: ["ecs"] })],
      [restart({ wiring: "pinned" }), provider({ incoming: usedAt(nowMs) })],
    ),
    ["waiting", "WiredToOldVersion billing by ecs"],
  ],
  [
    "whose definition shows nothing is no move by itself",
    on(restart({ wiring: "unseen" })),
    ["waiting", "IncomingKeyUnused billing by ecs"],
  ],
  [
    "of which an older release says nothing is no move by itself",
    withConsumers(
      [consumer({ evidence: ["ecs"] })],
      [{ ...restart(), wiring: undefined } as unknown as ReturnType<typeof restart>],
    ),
    ["waiting", "IncomingKeyUnused billing by ecs"],
  ],
  [
    "whose definition shows nothing counts once the provider sees the incoming key used",
    withConsumers(
      [consumer({ evidence: ["ecs"] })],
      [restart({ wiring: "unseen" }), provider({ incoming: usedAt(nowMs) })],
    ),
    ["adopted"],
  ],
  [
    "whose definition shows nothing needs no use beside other evidence",
    withConsumers(
      [consumer({ evidence: ["ecs", "attestation"] })],
      [restart({ wiring: "unseen" }), attestation()],
    ),
    ["adopted"],
  ],
];
describe("a restart", () => {
  test.each(rows)("%s", (_name, asked, expected) => expect(said(asked)).toEqual(expected));
});
