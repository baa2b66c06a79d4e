import { createRequire } from "node:module";
import * as errors from "../../core/errors.ts";
import { activateMsMax } from "../../core/rotation/incoming.ts";
import { handlerNames, stateName } from "../../serverless/handlers.ts";
import { calledFunctions, machines, placeholdersIn } from "../../serverless/machines.ts";

const validate = createRequire(import.meta.url)("asl-validator") as typeof import("asl-validator");

/** Longer timers overflow in the local engine, which holds them in 32 bits of milliseconds. */
const timeoutSecondsMax = 2_000_000;
/** Retries are billed as transitions, and an execution has 25,000 events. */
const attemptsMax = 24;

interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds?: number;
  readonly BackoffRate?: number;
  readonly MaxAttempts?: number;
  readonly MaxDelaySeconds?: number;
  readonly JitterStrategy?: string;
}

interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly Comment?: string;
  readonly TimeoutSeconds?: number;
  readonly TimeoutSecondsPath?: string;
  readonly Retry?: readonly Retrier[];
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[];
  readonly Branches?: readonly Definition[];
  readonly Iterator?: Definition;
  readonly ItemProcessor?: Definition;
}

interface Definition {
  readonly TimeoutSeconds?: number;
  readonly States: Readonly<Record<string, State>>;
}

const loaded = machines().map(({ name, text }) => ({
  name,
  text,
  definition: JSON.parse(text) as Definition,
}));

/** Every state, those inside Parallel and Map too. */
function statesOf({ States }: Definition): readonly (readonly [string, State])[] {
  return Object.entries(States).flatMap(([name, state]) => {
    const inner = [...(state.Branches ?? []), state.Iterator, state.ItemProcessor];
    return [
      [name, state] as const,
      ...inner.flatMap((definition) => (definition ? statesOf(definition) : [])),
    ];
  });
}

function statesWhere(isWanted: (state: State) => boolean) {
  return loaded.flatMap(({ name: machine, definition }) =>
    statesOf(definition)
      .filter(([, state]) => isWanted(state))
      .map(([name, state]) => ({ machine, name, state })),
  );
}

const tasks = statesWhere(({ Type }) => Type === "Task");

/** What a step may throw, by name, with what a second try may do. */
const retryKinds = new Map(
  Object.values(errors)
    .filter((Kind) => Kind !== errors.RotationError)
    .map((Kind) => {
      const { name, retry } = new (Kind as new (message: string) => errors.RotationError)("");
      return [name, retry] as const;
    }),
);

const platformErrors =
  /^(Lambda\.\w+Exception|Lambda\.Unknown|Runtime\.ExitError|Sandbox\.Timedout|States\.(ALL|Timeout|TaskFailed))$/;

/** A function that died, was not reached or did not answer: what it did is unknown, and a second try finds it done. */
const functionErrors = [
  "Lambda.ClientExecutionTimeoutException",
  "Lambda.ServiceException",
  "Lambda.AWSLambdaException",
  "Lambda.SdkClientException",
  "Lambda.TooManyRequestsException",
  "Lambda.Unknown",
  "Runtime.ExitError",
  "Sandbox.Timedout",
];

/** Tasks that retry otherwise, and why. */
const exempt: Readonly<Record<string, readonly string[]>> = {
  // No function: whatever EventBridge answers arrives as one of these.
  Announce: ["States.TaskFailed", "States.Timeout"],
};

describe.each(loaded)("statemachines/$name.asl.json", ({ text, definition }) => {
  test.each(["aws", "aws-cn", "aws-us-gov"])("is a state machine in the partition %s", (partition) => {
    const deployed = JSON.parse(text.replaceAll(`\${Partition}`, partition));
    const verdict = validate(deployed, { checkPaths: true, checkArn: true });
    expect(verdict.errorsText("\n")).toBe("");
    expect(verdict.isValid).toBe(true);
  });

  test("ends by itself", () => {
    expect(definition.TimeoutSeconds).toBeLessThanOrEqual(timeoutSecondsMax);
  });

  test("uses only what the local engine and AWS read alike", () => {
    const unread =
      /"(QueryLanguage|Assign|Arguments|Output|HeartbeatSeconds(Path)?|ToleratedFailure\w*|ItemReader|ResultWriter)":/;
    expect(text).not.toMatch(unread);
    expect(text).not.toContain("{%");
    expect(text).not.toContain("States.UUID");
  });

  test("names no partition: in China and GovCloud it is another", () => {
    expect(text).not.toMatch(/arn:aws/);
    for (const [arn] of text.matchAll(/arn:[^"]*/g)) expect(arn).toMatch(/^arn:\$\{Partition\}:/);
  });

  test("names only functions that there are, and the bus", () => {
    const known = ["BusName", "Partition", ...handlerNames().map((name) => `${stateName(name)}Arn`)];
    for (const placeholder of placeholdersIn(text)) expect(known).toContain(placeholder);
    expect(calledFunctions(text).length).toBeGreaterThan(0);
  });

  test("is as long as its definition may be", () => {
    expect(Buffer.byteLength(text)).toBeLessThan(1_000_000);
  });
});

describe.each(tasks)("$machine: the task $name", ({ machine, name, state }) => {
  test("is bounded in time", () => {
    const { TimeoutSeconds, TimeoutSecondsPath } = state;
    if (TimeoutSecondsPath === undefined) {
      expect(TimeoutSeconds).toBeGreaterThan(0);
      expect(TimeoutSeconds).toBeLessThanOrEqual(timeoutSecondsMax);
    } else {
      expect(TimeoutSecondsPath).toMatch(/^\$\./);
    }
  });

  test("retries a bounded number of times, with jitter", () => {
    expect(state.Retry?.length).toBeGreaterThan(0);
    for (const retrier of state.Retry ?? []) {
      expect(retrier.MaxAttempts).toBeGreaterThan(0);
      expect(retrier.MaxAttempts).toBeLessThanOrEqual(attemptsMax);
      expect(retrier.MaxDelaySeconds).toBeGreaterThan(0);
      expect(retrier.JitterStrategy).toBe("FULL");
    }
  });

  test("retries whatever may befall a function that works: none of it is the end of a run", () => {
    const retried = (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
    // The time-out of a wait for a callback is the end of the wait.
    const isWait = state.Resource?.endsWith(".waitForTaskToken") === true;
    const wanted = exempt[name] ?? [...functionErrors, ...(isWait ? [] : ["States.Timeout"])];
    expect(retried).toEqual(expect.arrayContaining([...wanted]));
    if (isWait) expect(retried).not.toContain("States.Timeout");
  });

  test("retries only errors that there are, and that a second try can cure", () => {
    for (const name of (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals)) {
      if (platformErrors.test(name)) continue;
      expect([...retryKinds.keys()]).toContain(name);
      expect(retryKinds.get(name)).not.toBe("never");
    }
  });

  test("catches what is left, by names that there are", () => {
    const caught = (state.Catch ?? []).flatMap(({ ErrorEquals }) => ErrorEquals);
    expect(state.Catch?.at(-1)?.ErrorEquals).toEqual(["States.ALL"]);
    for (const name of caught) {
      if (!platformErrors.test(name)) expect([...retryKinds.keys()]).toContain(name);
    }
  });

  test("goes to a state of its own definition when it fails", () => {
    const { definition } = loaded.find(({ name }) => name === machine) ?? {};
    const names = definition ? statesOf(definition).map(([name]) => name) : [];
    for (const { Next } of state.Catch ?? []) expect(names).toContain(Next);
  });
});

test("every Parallel and Map has a way out too, or is inside one that has", () => {
  for (const state of loaded.flatMap(({ definition }) => Object.values(definition.States))) {
    if (state.Type !== "Parallel" && state.Type !== "Map") continue;
    expect(state.Catch?.at(-1)?.ErrorEquals).toEqual(["States.ALL"]);
  }
});

test("every error that a second try may cure is retried by some task", () => {
  const retried = new Set(
    tasks.flatMap(({ state }) => (state.Retry ?? []).flatMap(({ ErrorEquals }) => ErrorEquals)),
  );
  const curable = [...retryKinds].filter(([, retry]) => retry !== "never").map(([name]) => name);
  expect(curable.filter((name) => !retried.has(name))).toEqual([]);
});

test("a key that is slow to become active is waited for, with full jitter, for longer than one may take", () => {
  const retriers = tasks.flatMap(({ state }) =>
    (state.Retry ?? []).filter(({ ErrorEquals }) => ErrorEquals.includes("KeyNotYetActive")),
  );
  expect(retriers).toHaveLength(loaded.length);
  for (const { IntervalSeconds = 0, BackoffRate = 0, MaxAttempts = 0, MaxDelaySeconds = 0 } of retriers) {
    const caps = Array.from({ length: MaxAttempts }, (_, index) =>
      Math.min(IntervalSeconds * BackoffRate ** index, MaxDelaySeconds),
    );
    const meanMs = caps.reduce((sum, cap) => sum + cap / 2, 0) * 1_000;
    expect(meanMs).toBeGreaterThan(1.5 * activateMsMax);
  }
});
