import { fleetRow } from "../../console/views/fleet.ts";
import type { Policy } from "../../core/policy.ts";
import type { SecretFacts } from "../../ledger/standing.ts";
import { recordIn, secretArn, ticket } from "../core/rotation/record-world.ts";

const dayMs = 86_400_000;
const nowMs = 100 * dayMs;
const { lease: _held, run: _run, ...idle } = recordIn("opened");

function wants(change: Partial<SecretFacts>, name = "billing-key") {
  const policy = {
    ...{ secretArn, name, mode: "rotate", maxAgeMs: 30 * dayMs, consumers: "none" },
    provider: { account: "main", kind: "anthropic", settings: {} },
  } as unknown as Policy;
  const facts: SecretFacts = {
    ...{ policy, record: idle, rotations: [], keys: [], debts: [], triage: [], nowMs },
    digest: { sha256Hex: () => "0".repeat(64) } as unknown as SecretFacts["digest"],
    ...change,
  };
  return fleetRow(facts).wants;
}

test("a secret that needs nobody wants nothing", () => {
  expect(wants({})).toBeUndefined();
});

test("the page asks for what people are told of, a page before a message", () => {
  const order = { kind: "promote", subject: "r-1" } as unknown as NonNullable<typeof idle.order>;
  expect(wants({ record: recordIn("opened", { order }) })).toEqual({
    ...{ tone: "warn", what: "the promote waits for a second person" },
    command: `rekey approve ${ticket.rotationId}`,
  });
  const reads = [{ principal: "arn:aws:iam::1:role/stranger", why: "undeclared", atMs: nowMs }];
  const triage = [{ day: "1970-04-10", openedAtMs: nowMs, reads }] as unknown as SecretFacts["triage"];
  expect(wants({ triage })).toMatchObject({ command: "rekey report access billing-key" });
  const frozen = { reason: "somebody put a spent key back", atMs: nowMs };
  expect(wants({ triage, scheduleFault: "paused", record: { ...idle, frozen } })).toEqual({
    ...{ tone: "bad", what: "frozen: somebody put a spent key back" },
    command: "rekey release --unfreeze billing-key",
  });
});

test("what no command ends has none, and a hostile name is in none", () => {
  expect(wants({ scheduleFault: "paused" })).toEqual({
    tone: "warn",
    what: expect.stringContaining("paused"),
  });
  const frozen = { reason: "changed", atMs: nowMs };
  expect(wants({ record: { ...idle, frozen } }, "$(rm -rf ~)")).toMatchObject({
    command: `rekey release --unfreeze ${secretArn}`,
  });
});
