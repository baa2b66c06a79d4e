import { randomUUID } from "node:crypto";
import type { ServiceEvent } from "../event.ts";
import { type Input, invalid, page } from "../input.ts";
import {
  type Execution,
  type HistoryEvent,
  type JSONValue,
  type Outcome,
  type RunOptions,
  runMachine,
  type TaskCall,
} from "../machine.ts";
import { AwsError } from "../service.ts";
import { historyPage } from "./history.ts";
import { isName, pageSize, type StoredMachine } from "./machines.ts";

/** Which execution a task belongs to. */
export interface ExecutionNames {
  readonly executionArn: string;
  readonly stateMachineArn: string;
}

export type MachineTask = (call: TaskCall, execution: ExecutionNames) => Promise<JSONValue | undefined>;

export interface ExecutionsOptions {
  readonly task: MachineTask;
  onStatusChange?(event: ServiceEvent): void;
}

interface Stored {
  readonly arn: string;
  readonly name: string;
  readonly machine: StoredMachine;
  readonly input: string;
  readonly startedAt: number;
  readonly events: HistoryEvent[];
  running: Execution;
  outcome: Outcome | undefined;
  endedAt: number | undefined;
  redrives: number;
}

/** The first state may ask for a token before the execution it belongs to is known. */
interface TokenHolder {
  readonly machineArn: string;
  execution?: Execution;
}

const inputBytesMax = 262_144;
/** Closed executions beyond this number are forgotten, oldest first. */
const executionsMax = 10_000;
const redrivesMax = 1_000;

/** The executions of one account and Region, running and closed. */
export class Executions {
  readonly #options: ExecutionsOptions;
  readonly #stored = new Map<string, Stored>();
  readonly #byToken = new Map<string, TokenHolder>();

  constructor(options: ExecutionsOptions) {
    this.#options = options;
  }

  start(machine: StoredMachine, input: Input): Record<string, unknown> {
    const name = input.optionalText("name") ?? randomUUID();
    if (!isName(name)) throw new AwsError("InvalidName", `Invalid Name: '${name}'`);
    const text = input.optionalText("input") ?? "{}";
    const value = parseInput(text);
    const arn = `${machine.arn.replace(":stateMachine:", ":execution:")}:${name}`;
    const known = this.#stored.get(arn);
    if (known) {
      // Only while it runs, and with the same input, is a second start the same start.
      if (known.outcome === undefined && known.input === text) {
        return { executionArn: arn, startDate: known.startedAt / 1000 };
      }
      throw new AwsError("ExecutionAlreadyExists", `Execution Already Exists: '${arn}'`);
    }
    this.#forgetOldest();
    const startedAt = Date.now();
    const events: HistoryEvent[] = [];
    const started = { arn, name, machine, input: text, startedAt, events };
    const running = this.#run(started, { input: value });
    const stored: Stored = { ...started, running, outcome: undefined, endedAt: undefined, redrives: 0 };
    this.#stored.set(arn, stored);
    this.#opened(stored);
    return { executionArn: arn, startDate: startedAt / 1000 };
  }

  /** Resumes at the state that failed, or that was waiting when the execution ended; a Parallel state starts over. */
  redrive(input: Input): Record<string, unknown> {
    const stored = this.#find(input.text("executionArn"));
    const { outcome, running } = stored;
    const position = running.position();
    if (!outcome || outcome.status === "SUCCEEDED" || !position) {
      throw new AwsError("ExecutionNotRedrivable", `Execution is not redrivable: '${stored.arn}'`);
    }
    if (stored.redrives >= redrivesMax) {
      throw new AwsError("ExecutionLimitExceeded", `an execution is redriven at most ${redrivesMax} times`);
    }
    stored.redrives += 1;
    stored.outcome = undefined;
    stored.endedAt = undefined;
    const resume = { ...position, lastEventId: stored.events.length, redrives: stored.redrives };
    stored.running = this.#run(stored, { input: parseInput(stored.input), resume });
    this.#opened(stored);
    return { redriveDate: Date.now() / 1000 };
  }

  describe(input: Input): Record<string, unknown> {
    const stored = this.#find(input.text("executionArn"));
    const { outcome } = stored;
    return {
      ...summary(stored),
      input: stored.input,
      inputDetails: { included: true },
      ...closing(outcome),
      redriveStatus: !outcome || outcome.status === "SUCCEEDED" ? "NOT_REDRIVABLE" : "REDRIVABLE",
    };
  }

  /** Stopping a closed execution changes nothing. */
  stop(input: Input): Record<string, unknown> {
    const stored = this.#find(input.text("executionArn"));
    if (!stored.outcome) {
      const error = input.optionalText("error");
      const cause = input.optionalText("cause");
      stored.running.stop(error, cause);
      this.#ended(stored, { status: "ABORTED", ...(error ? { error } : {}), ...(cause ? { cause } : {}) });
    }
    return { stopDate: (stored.endedAt ?? Date.now()) / 1000 };
  }

  list(machine: StoredMachine, input: Input): Record<string, unknown> {
    const filter = input.optionalText("statusFilter");
    const listed = [...this.#stored.values()]
      .filter((stored) => stored.machine.arn === machine.arn && (!filter || statusOf(stored) === filter))
      .reverse();
    const { items, nextToken } = page(listed, {
      token: input.optionalText("nextToken"),
      size: pageSize(input),
    });
    return { executions: items.map(summary), nextToken };
  }

  history(input: Input): Record<string, unknown> {
    return historyPage(this.#find(input.text("executionArn")).events, input);
  }

  sendTaskSuccess(input: Input): void {
    const token = input.text("taskToken");
    const text = input.text("output");
    if (Buffer.byteLength(text) > inputBytesMax) throw invalid(`output has at most ${inputBytesMax} bytes`);
    let output: JSONValue;
    try {
      output = JSON.parse(text);
    } catch {
      throw new AwsError("InvalidOutput", "Invalid Output: 'the output is no JSON'");
    }
    this.#callBack(token, (execution) => execution.sendTaskSuccess(token, output));
  }

  sendTaskFailure(input: Input): void {
    const token = input.text("taskToken");
    const error = input.optionalText("error") ?? "";
    const cause = input.optionalText("cause") ?? "";
    this.#callBack(token, (execution) => execution.sendTaskFailure(token, { error, cause }));
  }

  sendTaskHeartbeat(input: Input): void {
    const token = input.text("taskToken");
    this.#callBack(token, (execution) => execution.waits(token));
  }

  /** Stops everything that still runs, so that no timer outlives the cloud. */
  close(): void {
    for (const { running } of this.#stored.values()) running.stop();
  }

  machineOf(token: string): string | undefined {
    return this.#byToken.get(token)?.machineArn;
  }

  #callBack(token: string, answer: (execution: Execution) => ReturnType<Execution["waits"]>): void {
    const execution = this.#byToken.get(token)?.execution;
    const said = execution ? answer(execution) : "InvalidToken";
    if (said === "InvalidToken") throw new AwsError(said, "Invalid Token: 'Invalid token'");
    if (said === "TaskTimedOut")
      throw new AwsError(said, "Task Timed Out: 'Provided task does not exist anymore'");
  }

  #run(
    {
      arn,
      name,
      machine,
      startedAt,
      events,
    }: Pick<Stored, "arn" | "name" | "machine" | "startedAt" | "events">,
    run: Pick<RunOptions, "input" | "resume">,
  ): Execution {
    const holder: TokenHolder = { machineArn: machine.arn };
    const execution = runMachine(machine.machine, {
      ...run,
      executionArn: arn,
      name,
      startedAt,
      ...{ stateMachineArn: machine.arn, roleArn: machine.roleArn },
      task: (call) => this.#options.task(call, { executionArn: arn, stateMachineArn: machine.arn }),
      newToken: () => {
        const token = `AQC${Buffer.from(`${randomUUID()}${randomUUID()}`).toString("base64url")}`;
        this.#byToken.set(token, holder);
        return token;
      },
      onEvent: (event) => events.push(event),
    });
    holder.execution = execution;
    execution.result.then((outcome) => {
      const stored = this.#stored.get(arn);
      if (stored?.running === execution) this.#ended(stored, outcome);
    });
    return execution;
  }

  #opened(stored: Stored): void {
    this.#options.onStatusChange?.(statusChange(stored));
  }

  #ended(stored: Stored, outcome: Outcome): void {
    if (stored.outcome) return;
    stored.outcome = outcome;
    stored.endedAt = Date.now();
    this.#options.onStatusChange?.(statusChange(stored));
  }

  #find(arn: string): Stored {
    if (!/^arn:[^:]+:states:[^:]+:\d{12}:execution:[^:]+:[^:]+$/.test(arn)) {
      throw new AwsError("InvalidArn", `Invalid Arn: '${arn}'`);
    }
    const stored = this.#stored.get(arn);
    if (!stored) throw new AwsError("ExecutionDoesNotExist", `Execution Does Not Exist: '${arn}'`);
    return stored;
  }

  #forgetOldest(): void {
    if (this.#stored.size < executionsMax) return;
    for (const [arn, { outcome, running }] of this.#stored) {
      if (!outcome) continue;
      this.#stored.delete(arn);
      for (const [token, { execution }] of this.#byToken)
        if (execution === running) this.#byToken.delete(token);
      return;
    }
    throw new AwsError("ExecutionLimitExceeded", `at most ${executionsMax} executions run here at a time`);
  }
}

function parseInput(text: string): JSONValue {
  if (Buffer.byteLength(text) > inputBytesMax) throw invalid(`input has at most ${inputBytesMax} bytes`);
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError(
      "InvalidExecutionInput",
      "Invalid State Machine Execution Input: 'the input is no JSON'",
    );
  }
}

function statusOf({ outcome }: Stored): string {
  return outcome?.status ?? "RUNNING";
}

function summary(stored: Stored): Record<string, unknown> {
  return {
    executionArn: stored.arn,
    stateMachineArn: stored.machine.arn,
    name: stored.name,
    status: statusOf(stored),
    startDate: stored.startedAt / 1000,
    redriveCount: stored.redrives,
    ...(stored.endedAt === undefined ? {} : { stopDate: stored.endedAt / 1000 }),
  };
}

function closing(outcome: Outcome | undefined): Record<string, unknown> {
  if (!outcome) return {};
  const { output, error, cause } = outcome;
  return output === undefined
    ? { error, cause }
    : { output: JSON.stringify(output), outputDetails: { included: true } };
}

/** AWS's "Step Functions Execution Status Change"; its times are in ms and absent members are null. */
function statusChange(stored: Stored): ServiceEvent {
  const { output, error, cause } = stored.outcome ?? {};
  return {
    source: "aws.states",
    "detail-type": "Step Functions Execution Status Change",
    resources: [stored.arn],
    detail: {
      executionArn: stored.arn,
      stateMachineArn: stored.machine.arn,
      name: stored.name,
      status: statusOf(stored),
      startDate: stored.startedAt,
      stopDate: stored.endedAt ?? null,
      input: stored.input,
      inputDetails: { included: true },
      output: output === undefined ? null : JSON.stringify(output),
      outputDetails: output === undefined ? null : { included: true },
      error: error ?? null,
      cause: cause ?? null,
      stateMachineVersionArn: null,
      stateMachineAliasArn: null,
      redriveCount: stored.redrives,
      redriveDate: null,
      redriveStatus:
        stored.outcome && stored.outcome.status !== "SUCCEEDED" ? "REDRIVABLE" : "NOT_REDRIVABLE",
      redriveStatusReason: null,
    },
  };
}
