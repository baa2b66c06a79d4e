import type { ProviderPolicy } from "../../core/policy.ts";
import { adminCredential } from "../../functions/adapters/admin-credential.ts";
import { observeSecrets } from "../../functions/upkeep/observe-secrets.ts";
import { budgetedHttp } from "../../functions/wiring/clients/provider-budget.ts";
import { connected } from "../../providers/connect.ts";
import * as adapter from "../../providers/openai/adapter.ts";
import { openai } from "../../providers/openai/index.ts";
import { rekey } from "../cli/cli-world.ts";
import { adminWorld, arnOf, fileWith, NOON_MS } from "./admin-world.ts";

const callsPerMinute = 30;
const names = Array.from({ length: 40 }, (_, index) => `s-${index}`);

/** Once nobody has anything else to do, it is as late as the one of all waits that ends first. */
function waitingClock() {
  let nowMs = NOON_MS;
  const waiting: { readonly untilMs: number; readonly end: () => void }[] = [];
  const endFirst = () => {
    waiting.sort((one, other) => one.untilMs - other.untilMs);
    const first = waiting.shift();
    nowMs = Math.max(nowMs, first?.untilMs ?? nowMs);
    first?.end();
  };
  return {
    nowMs: () => nowMs,
    pause: (ms: number) =>
      new Promise<void>((end) => {
        waiting.push({ untilMs: nowMs + ms, end });
        setImmediate(endFirst);
      }),
  };
}

/** The account answers so many calls a minute, and time passes only while somebody waits. */
function budgetedWorld() {
  const world = adminWorld();
  for (const name of names) world.secret(name);
  const clock = waitingClock();
  const called: number[] = [];
  const wire = world.provider.http();
  const http = (provider: ProviderPolicy) =>
    budgetedHttp(
      {
        send: (request) => {
          called.push(clock.nowMs());
          return wire.send(request);
        },
      },
      provider,
      { ledger: world.ledger, clock },
    );
  const provider: typeof world.deps.provider = ({ provider }) => {
    const admin = adminCredential(world.store, provider.adminCredential);
    return connected(openai, adapter, { settings: provider.settings, admin, http: http(provider) });
  };
  Object.assign(world.deps, { clock, provider });
  return { world, called };
}

function fileOf(block: string, calls = `callsPerMinute: ${callsPerMinute}`): string {
  const secrets = Object.fromEntries(names.map((name) => [name, block]));
  const budget = `budget: { ${calls} }`;
  return fileWith({ secrets }).replace("project: proj_FAKE", `project: proj_FAKE, ${budget}`);
}

const mostIn = (times: readonly number[], windowMs: number) =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));

test("apply waits for an account whose budget is used up, says so, and applies every secret", async () => {
  const { world, called } = budgetedWorld();
  await world.ledger.changeAccount("main", () => ({ pausedUntilMs: NOON_MS + 40_000 }));
  const applied = await rekey(world, "apply --json", { files: { "rekey.yml": fileOf("") } });

  expect(applied).toMatchObject({ code: 0 });
  expect(applied.err).toMatch(/still to come: account main may be called again in \d+ s/);
  const secrets = applied.json()["secrets"] as readonly { readonly outcome: string }[];
  expect(secrets.map(({ outcome }) => outcome)).toEqual(names.map(() => "created"));
  expect(called[0]).toBeGreaterThanOrEqual(NOON_MS + 40_000);
});

const observed = "provider: main, consumers: [{ name: billing }], mode: observe, rotate: { every: 30d }";

test("an hourly look at many secrets takes about as long as the account needs to answer its calls", async () => {
  const { world, called } = budgetedWorld();
  const callsPerSecond = 10;
  await rekey(world, "apply", {
    files: { "rekey.yml": fileOf(observed, `callsPerSecond: ${callsPerSecond}`) },
  });
  called.length = 0;
  const startedAtMs = world.deps.clock.nowMs();
  const looked = await observeSecrets.run({ time: NOON_MS }, world.depsOf("observe-secrets"));

  expect(looked).toMatchObject({ secrets: names.length, failed: 0, later: 0 });
  expect(world.deps.clock.nowMs() - startedAtMs).toBeLessThan(3 * (called.length / callsPerSecond) * 1_000);
  expect(mostIn(called, 1_000)).toBeLessThanOrEqual(callsPerSecond);
});

test("an hourly look waits for the account, and leaves to the next one what it does not reach", async () => {
  const { world, called } = budgetedWorld();
  await rekey(world, "apply", { files: { "rekey.yml": fileOf(observed) } });
  called.length = 0;
  const look = () => observeSecrets.run({ time: NOON_MS }, world.depsOf("observe-secrets"));

  expect(await look()).toMatchObject({ secrets: names.length, failed: 0 });
  await look();
  const seen = await Promise.all(names.map((name) => world.ledger.observation(arnOf(name))));
  expect(seen).not.toContain(undefined);
  expect(mostIn(called, 60_000)).toBeLessThanOrEqual(callsPerMinute);

  // Others use up whatever becomes free.
  const taken = () => ({ pausedUntilMs: world.deps.clock.nowMs() + 60_000 });
  const { pause } = world.deps.clock;
  const clock = {
    ...world.deps.clock,
    pause: async (ms: number) => {
      await pause(ms);
      await world.ledger.changeAccount("main", taken);
    },
  };
  await world.ledger.changeAccount("main", taken);
  Object.assign(world.deps, { clock });
  expect(await look()).toMatchObject({ failed: 0, later: names.length });
});
