import type { ProviderPolicy } from "../../core/policy.ts";
import { waitingUntil } from "../../core/provider-account.ts";
import { within } from "../../functions/invocation.ts";
import { budgetedHttp } from "../../functions/wiring/clients/provider-budget.ts";
import { ledgerOn } from "../../ledger/ledger.ts";
import { memoryTable } from "../../ledger/memory.ts";

const noon = Date.UTC(2026, 10, 30, 12);
const minute = 60_000;
const openai: ProviderPolicy = { account: "main", kind: "openai", settings: {} };

/** Once nobody has anything else to do, it is as late as the wait that ends first. */
function waitingClock() {
  let nowMs = noon;
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

/** An account, and when each call reached it. It refuses as many of the first ones as told. */
function account(provider = openai, { refuses = 0 } = {}) {
  const clock = waitingClock();
  const called: number[] = [];
  const http = budgetedHttp(
    {
      send: async () => {
        called.push(clock.nowMs());
        const isRefused = called.length <= refuses;
        const headers: Readonly<Record<string, string>> = isRefused ? { "retry-after": "2" } : {};
        return { status: isRefused ? 429 : 200, headers, json: {} };
      },
    },
    provider,
    { ledger: ledgerOn(memoryTable()), clock },
  );
  const send = (functionName: string, event: object) =>
    within({ functionName, event }, () =>
      http.send({ method: "GET", url: "https://example.com", headers: {} }),
    );
  return { called, send };
}

const mostIn = (times: readonly number[], windowMs: number) =>
  Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + windowMs).length));

/** Ten incidents ask at once, each through its own steps and through the steps of a rotation. */
function ask({ send }: ReturnType<typeof account>) {
  return Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => [
      send("contain-key", { incidentId: `i-${index}` }),
      send("mint-key", { secretArn: `arn:${index}`, rotationId: `r-${index}` }),
    ]).flat(),
  );
}

test("the incidents of a campaign wait for each other, and no second has more calls than the account answers", async () => {
  const main = account(waitingUntil(openai, noon + 13 * minute));
  const sent = await ask(main);
  expect(sent.map(({ status }) => status)).toEqual(sent.map(() => "fulfilled"));
  expect(main.called).toHaveLength(20);
  expect(mostIn(main.called, 1_000)).toBeLessThanOrEqual(5);
});

test("a declared budget counts, not the five calls of an account without one", async () => {
  const main = account(waitingUntil({ ...openai, budget: { callsPerSecond: 3 } }, noon + 13 * minute));
  await ask(main);
  expect(mostIn(main.called, 1_000)).toBeLessThanOrEqual(3);
});

test("more than can wait within one function come later, and are no failure of the key", async () => {
  const main = account(waitingUntil(openai, noon + 13 * minute));
  const sent = await Promise.allSettled(
    Array.from({ length: 100 }, (_, index) => main.send("contain-key", { incidentId: `i-${index}` })),
  );
  const refused = sent.flatMap((each) => (each.status === "rejected" ? [each.reason] : []));
  expect(refused.length).toBeGreaterThan(0);
  for (const error of refused) expect(error).toMatchObject({ name: "AccountBusy" });
  expect(mostIn(main.called, 1_000)).toBeLessThanOrEqual(5);
});

test.each([
  ["an incident without a campaign", openai],
  ["one with a declared budget", { ...openai, budget: { callsPerSecond: 5 } }],
  ["an incident of a campaign whose deadline is near", waitingUntil(openai, noon)],
])("%s waits for nobody", async (_who, provider) => {
  const main = account(provider);
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => main.send("contain-key", { incidentId: `i-${index}` })),
  );
  expect(main.called).toEqual(main.called.map(() => noon));
});

test("a call that the provider refused for now is made again after its Retry-After", async () => {
  const main = account(waitingUntil(openai, noon + 13 * minute), { refuses: 2 });
  expect(await main.send("mint-key", { secretArn: "arn:a", rotationId: "r" })).toMatchObject({ status: 200 });
  expect(main.called).toEqual([noon, noon + 2_000, noon + 4_000]);
});

test("a provider that goes on refusing has the last word, and so has one that refuses an incident alone", async () => {
  const main = account(waitingUntil(openai, noon + 13 * minute), { refuses: 9 });
  expect(await main.send("prove-contained", { incidentId: "i" })).toMatchObject({ status: 429 });
  expect(main.called).toHaveLength(4);
  const alone = account({ ...openai, budget: { callsPerSecond: 5 } }, { refuses: 9 });
  expect(await alone.send("prove-contained", { incidentId: "i" })).toMatchObject({ status: 429 });
  expect(alone.called).toHaveLength(1);
});
