import {
  type ConsumerPolicy,
  mistakesIn,
  type Policy,
  type ProviderFacts,
  workloadsOf,
} from "../../../core/policy.ts";
import { consumer, minute, role } from "./adoption-world.ts";

const service = "arn:aws:ecs:eu-west-1:111122223333:service/main/billing";
const facts = {
  capabilities: { shape: { kind: "sideBySide" }, lastUsed: true },
  propagation: { usageLagMs: 0 },
} as ProviderFacts;

function mistakes(
  fields: Partial<ConsumerPolicy>,
  signals: Policy["signals"] = ["provider"],
): readonly string[] {
  const policy = {
    consumers: [consumer(fields)],
    signals,
    quietMs: 0,
    overlapMs: 60 * minute,
  } as unknown as Policy;
  return mistakesIn(policy, facts).map(({ path, message }) => `${path.join(".")}: ${message}`);
}

describe("evidence that somebody has to be asked for", () => {
  test("needs to know what runs the consumer", () => {
    expect(mistakes({ evidence: ["ecs"] })).toEqual([
      "consumers.0.workload: ecs evidence needs what runs billing",
    ]);
    expect(mistakes({ evidence: ["ecs"], workload: service })).toEqual([]);
    expect(mistakes({ evidence: ["ecs"], refresh: { kind: "ecs-deployment", target: service } })).toEqual([]);
    expect(mistakes({ evidence: ["lambda"], refresh: { kind: "ecs-deployment", target: service } })).toEqual([
      "consumers.0.workload: lambda evidence needs what runs billing",
    ]);
    expect(mistakes({ evidence: ["client"] })).toEqual([]);
  });

  test("has to be of the consumer's own account", () => {
    const elsewhere = service.replace("111122223333", "999900001111");
    expect(mistakes({ evidence: ["ecs"], workload: elsewhere })).toEqual([
      `consumers.0.workload: ${elsewhere} is not in the account 111122223333 of billing`,
    ]);
    expect(mistakes({ evidence: ["kubernetes"], workload: "https://k8s.example.com/x#arn:aws:y" })).toEqual(
      [],
    );
  });

  test("by access records needs a role", () => {
    const message = ["consumers.0.roles: kms evidence needs the roles of billing"];
    expect(mistakes({ evidence: ["kms"] })).toEqual(message);
    expect(mistakes({ evidence: ["kms"], roles: [] })).toEqual(message);
    expect(mistakes({ evidence: ["kms"], roles: [role] })).toEqual([]);
  });
});

test("use of the incoming key can be demanded only where something would see it", () => {
  const mistake =
    "consumers.0.demandUse: nothing would see billing use the incoming key: add client evidence or the provider signal";
  expect(mistakes({ evidence: ["attestation"], demandUse: true }, ["client"])).toEqual([mistake]);
  expect(mistakes({ evidence: ["attestation"], demandUse: true }, ["provider"])).toEqual([]);
  expect(mistakes({ evidence: ["client"], demandUse: true }, ["client"])).toEqual([]);
  expect(mistakes({ evidence: ["extension"], demandUse: true }, ["client"])).toEqual([]);
  expect(mistakes({ evidence: ["attestation"] }, ["client"])).toEqual([]);
});

test("nobody's evidence is asked for where there are no consumers", () => {
  const policy = { consumers: "none", signals: [], quietMs: 0, overlapMs: minute } as unknown as Policy;
  expect(mistakesIn(policy, facts)).toEqual([]);
});

describe("what a platform is asked about", () => {
  const sync = { kind: "kubernetes-sync", target: "sync" } as const;

  test("is what runs the consumer, or else what its refresh restarts", () => {
    expect(workloadsOf(consumer({ workload: "w" }), "ecs")).toEqual(["w"]);
    expect(
      workloadsOf(consumer({ workload: "w", refresh: { kind: "ecs-deployment", target: "t" } }), "ecs"),
    ).toEqual(["w"]);
    expect(
      workloadsOf(consumer({ refresh: { kind: "kubernetes-restart", target: "t" } }), "kubernetes"),
    ).toEqual(["t"]);
    expect(workloadsOf(consumer(), "lambda")).toEqual([]);
  });

  test("is the synced secret first, and then the pods that read it", () => {
    expect(workloadsOf(consumer({ refresh: sync }), "kubernetes")).toEqual(["sync"]);
    expect(workloadsOf(consumer({ refresh: sync, workload: "pods" }), "kubernetes")).toEqual([
      "sync",
      "pods",
    ]);
    expect(workloadsOf(consumer({ refresh: sync, workload: "sync" }), "kubernetes")).toEqual(["sync"]);
  });
});
