import { parse } from "yaml";
import type { Policy } from "../../core/policy.ts";
import { providerFor, systemClock } from "../../functions/wiring/base.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";
import { type AllowedHosts, hostsNotAllowed } from "../../providers/allowed-hosts.ts";
import { providers } from "../../providers/kinds.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import { adminWorld, arnOf, fileWith } from "./admin-world.ts";
import { adminCredential } from "./fake-provider-world.ts";

const counting = { ledger: ledgerOn(memoryTable()), clock: systemClock };

const none: AllowedHosts = { providerHosts: [], allowLoopback: false };

function hosts(settings: Readonly<Record<string, unknown>>, allowed = none, kind = "datadog") {
  const provider = providers[kind];
  if (provider === undefined) throw new Error(`no provider is called ${kind}`);
  return hostsNotAllowed(provider, { adminCredential, ...settings }, allowed);
}

describe("the hosts that credentials may be sent to", () => {
  test("are a provider's own, without a word of the deployment", () => {
    expect(hosts({})).toEqual([]);
  });

  test("are others only where the deployment names them, in full", () => {
    const baseUrl = "https://api.datadoghq.eu";
    expect(hosts({ baseUrl })).toEqual(["api.datadoghq.eu"]);
    expect(hosts({ baseUrl }, { ...none, providerHosts: ["datadoghq.eu"] })).toEqual(["api.datadoghq.eu"]);
    expect(hosts({ baseUrl }, { ...none, providerHosts: ["api.datadoghq.eu"] })).toEqual([]);
    expect(hosts({ baseUrl: `${baseUrl}:8443` }, { ...none, providerHosts: ["api.datadoghq.eu"] })).toEqual([
      "api.datadoghq.eu:8443",
    ]);
  });

  test("are checked for the calls with the key as well", () => {
    const settings = { keyBaseUrl: "https://collector.example" };
    expect(hosts(settings)).toEqual(["collector.example"]);
  });

  test("are loopback ones only where stand-ins are allowed", () => {
    const baseUrl = "http://127.0.0.1:4010";
    expect(hosts({ baseUrl })).toEqual(["127.0.0.1:4010"]);
    expect(hosts({ baseUrl }, { ...none, allowLoopback: true })).toEqual([]);
    expect(hosts({ baseUrl: "https://127.0.0.1.evil.example" }, { ...none, allowLoopback: true })).toEqual([
      "127.0.0.1.evil.example",
    ]);
  });
});

test("a policy that names another host gets no provider, so nothing is sent", () => {
  const settings = { adminCredential, baseUrl: "https://collector.example" };
  const policy = { provider: { account: "main", kind: "datadog", adminCredential, settings } };
  const provider = providerFor({ store: memoryStore(), ...counting, ...none });

  expect(() => provider(policy as unknown as Policy)).toThrow(
    expect.objectContaining({
      name: "PolicyInvalid",
      message: expect.stringContaining("collector.example is not in the deployment's providerHosts"),
    }),
  );
});

test("apply refuses the file as a whole, dry run or not, and stores nothing", async () => {
  const world = adminWorld();
  Object.assign(world.deps, { provider: providerFor({ store: world.store, ...counting, ...none }) });
  world.secret("billing-key");
  const text = fileWith({ secrets: { "billing-key": "" } });
  const file = parse(text.replace("project:", 'baseUrl: "https://collector.example", project:'));

  for (const dryRun of [true, false]) {
    const { answer } = await world.send({
      command: "apply",
      files: [{ path: "rekey.yml", data: file }],
      dryRun,
    });
    expect(answer).toMatchObject({ outcome: "refused", reason: "PolicyInvalid" });
    expect(answer["mistakes"]).toEqual([expect.stringContaining("collector.example")]);
  }
  expect(await world.ledger.policy(arnOf("billing-key"))).toBeUndefined();
  expect(world.provider.counters().calls).toBe(0);
});
