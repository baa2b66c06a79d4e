import { install } from "@sinonjs/fake-timers";
import {
  type Execution,
  type HistoryEvent,
  type JSONValue,
  loadMachine,
  type RunOptions,
  runMachine,
  type TaskCall,
} from "../../../local/aws/machine.ts";

export const invoke = "arn:aws:states:::lambda:invoke";
const waitForToken = `${invoke}.waitForTaskToken`;
const stepsMax = 1_000;

export interface Run {
  readonly execution: Execution;
  readonly calls: TaskCall[];
  readonly events: HistoryEvent[];
  types(): string[];
}

export type Work = (call: TaskCall, attempt: number) => Promise<JSONValue> | JSONValue;

/** One machine whose tasks are done by `work`, with tokens t1, t2, ... */
export function start(
  states: object,
  { input = {}, work = () => ({}), ...rest }: Partial<RunOptions> & { work?: Work } = {},
): Run {
  const machine = loadMachine({ StartAt: Object.keys(states)[0], States: states });
  return startMachine(machine, { input, work, ...rest });
}

export function startMachine(
  machine: ReturnType<typeof loadMachine>,
  { input = {}, work = () => ({}), ...rest }: Partial<RunOptions> & { work?: Work } = {},
): Run {
  const calls: TaskCall[] = [];
  const events: HistoryEvent[] = [];
  let tokens = 0;
  const execution = runMachine(machine, {
    executionArn: "arn:aws:states:eu-west-1:111122223333:execution:rotation:r-1",
    name: "r-1",
    input,
    task: async (call) => {
      calls.push(call);
      return work(call, calls.filter(({ state }) => state === call.state).length);
    },
    newToken: () => `t${++tokens}`,
    onEvent: (event) => events.push(event),
    ...rest,
  });
  return { execution, calls, events, types: () => events.map(({ type }) => type) };
}

/** Runs `body` in virtual time: `end` moves the clock from timer to timer until the execution has ended. */
export async function inVirtualTime<T>(body: (clock: VirtualClock) => Promise<T>): Promise<T> {
  const clock = install({ now: Date.UTC(2026, 0, 1) });
  try {
    return await body({
      settle: () => clock.tickAsync(0),
      pass: (ms) => clock.tickAsync(ms),
      end: async (execution) => {
        let ended = false;
        execution.result.then(() => {
          ended = true;
        });
        await clock.tickAsync(0);
        for (let step = 0; step < stepsMax && !ended; step += 1) await clock.nextAsync();
        return execution.result;
      },
      pending: () => clock.countTimers(),
    });
  } finally {
    clock.uninstall();
  }
}

export interface VirtualClock {
  settle(): Promise<unknown>;
  pass(ms: number): Promise<unknown>;
  end(execution: Execution): ReturnType<() => Execution["result"]>;
  pending(): number;
}

export const wait = { Type: "Task", Resource: waitForToken, Parameters: { "token.$": "$$.Task.Token" } };
