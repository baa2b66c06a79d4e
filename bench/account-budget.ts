import type { AccountBudget } from "../core/provider-account.ts";
import { secretArnOf } from "../test/simulation/world/account.ts";
import { noFaults, type Surroundings } from "../test/simulation/world/surroundings.ts";
import { World } from "../test/simulation/world/world.ts";
import { type BenchRow, rowOf } from "./row.ts";

const secrets = 1_000;
const accounts = 10;
const hourMs = 3_600_000;
const minuteMs = 60_000;
const budget = {
  callsPerSecond: 10,
  callsPerMinute: 120,
  mintsAtOnce: 4,
  failuresInARow: 3,
} as const satisfies AccountBudget;

/** By account, when each call reached the provider. */
type Calls = ReadonlyMap<string, number[]>;

/**
 * A thousand secrets over ten provider accounts, all due at the same instant: all of them are rotated within the hour,
 * and no account is called more often than its budget says. The machine, the functions and the rules are the real ones
 * on virtual time, and one stand-in answers for all ten accounts.
 */
export async function accountBudgetRows(): Promise<BenchRow[]> {
  const calls: Calls = new Map(Array.from({ length: accounts }, (_, index) => [accountOf(index), []]));
  let nowMs = (): number => 0;
  const world = new World({ surroundings: counting(calls, () => nowMs()) });
  nowMs = world.time.nowMs;
  try {
    await seed(world);
    const before = memory();
    const dueMs = world.time.nowMs();
    const startedAt = performance.now();
    const runs = Array.from({ length: secrets }, (_, index) => world.start(arnOf(index)));
    const ends = await world.time.run(Promise.all(runs.map((run) => run.result)));
    const ms = performance.now() - startedAt;
    const figures = { ms, bytes: memory() - before, virtualMs: world.time.nowMs() - dueMs };
    const why = countsOf(ends.map(({ status, error }) => error ?? status));
    return rowsOf(calls, {
      failed: ends.filter(({ status }) => status !== "SUCCEEDED").length,
      why,
      ...figures,
    });
  } finally {
    world.close();
  }
}

function rowsOf(
  calls: Calls,
  seen: {
    readonly failed: number;
    readonly why: string;
    readonly ms: number;
    readonly bytes: number;
    readonly virtualMs: number;
  },
): BenchRow[] {
  const all = [...calls.values()];
  const most = (windowMs: number) => Math.max(...all.map((times) => mostIn(times, windowMs)));
  const each = all.reduce((sum, { length }) => sum + length, 0) / secrets;
  const what = `${secrets} secrets over ${accounts} accounts`;
  return [
    rowOf({ name: `${what}: not rotated`, unit: "secrets", budget: 0, detail: seen.why }, [seen.failed]),
    rowOf({ name: "most calls of one account in any minute", unit: "calls", budget: budget.callsPerMinute }, [
      most(minuteMs),
    ]),
    rowOf({ name: "most calls of one account in any second", unit: "calls", budget: budget.callsPerSecond }, [
      most(1_000),
    ]),
    rowOf({ name: "until the last is rotated, virtual time", unit: "minutes", budget: hourMs / minuteMs }, [
      seen.virtualMs / minuteMs,
    ]),
    rowOf({ name: "provider calls of one rotation", unit: "calls" }, [each]),
    rowOf({ name: "time of one rotation", unit: "ms" }, [seen.ms / secrets]),
    rowOf({ name: "memory of one rotation", unit: "KB" }, [Math.max(0, seen.bytes) / 1e3 / secrets]),
  ];
}

function countsOf(words: readonly string[]): string {
  const counts = Map.groupBy(words, (word) => word);
  return [...counts].map(([word, { length }]) => `${length} ${word}`).join(", ");
}

/** Nobody reads these secrets, and nothing is waited for but the provider. */
async function seed(world: World): Promise<void> {
  const policy = { consumers: "none", signals: [], quietMs: 0 } as const;
  for (let index = 0; index < secrets; index++) {
    const declared = await world.secret({ name: nameOf(index), consumers: [], policy });
    const provider = { ...declared.provider, account: accountOf(index), budget };
    await world.ledger.putPolicy({ ...declared, provider });
  }
}

function counting(calls: Calls, nowMs: () => number): Surroundings {
  const accountsOf = new Map(Array.from({ length: secrets }, (_, index) => [arnOf(index), accountOf(index)]));
  return {
    ...noFaults,
    call: (call, effect) => {
      const { secretArn } = Object(call.invocation.input) as { readonly secretArn?: string };
      const account = accountsOf.get(secretArn ?? "");
      if (call.port === "provider" && account !== undefined) calls.get(account)?.push(nowMs());
      return effect();
    },
  };
}

/** Times are in order: each window begins with a call. */
function mostIn(times: readonly number[], windowMs: number): number {
  let most = 0;
  let from = 0;
  for (const [index, at] of times.entries()) {
    while ((times[from] ?? at) <= at - windowMs) from += 1;
    most = Math.max(most, index - from + 1);
  }
  return most;
}

function memory(): number {
  return process.memoryUsage().heapUsed;
}

const nameOf = (index: number): string => `key-${index}`;
const arnOf = (index: number): string => secretArnOf(nameOf(index));
const accountOf = (index: number): string => `openai-${index % accounts}`;
