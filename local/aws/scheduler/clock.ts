import { randomUUID } from "node:crypto";
import { AwsError, type InnerCall } from "../service.ts";
import { callerOf, deliver, isFinal, type Reach } from "../targets.ts";
import { nextFire, type Schedule, universalTarget } from "./schedule.ts";

/** One firing that no attempt could deliver. */
export interface MissedFiring {
  readonly scheduleArn: string;
  readonly scheduledTime: string;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly attempts: number;
}

export interface ClockOptions {
  readonly reach: Reach;
  readonly account: string;
  readonly region: string;
  /** Whether a firing happens twice: Scheduler delivers at least once. */
  duplicate(scheduleArn: string): boolean;
  /** 0 to 1: where in its flexible window a firing falls. */
  random(): number;
  /** Throws an AwsError unless the schedule's role may call its target. */
  admit(schedule: Schedule, call: InnerCall): void;
  /** Gets what could not be started, for the queue that the schedule names. */
  keep(firing: MissedFiring, schedule: Schedule): void;
  /** A one-time schedule has fired. */
  onCompleted(schedule: Schedule): void;
}

interface Firing {
  readonly schedule: Schedule;
  readonly scheduledTime: string;
  readonly executionId: string;
}

/** Timers hold at most 2^31 ms, so a longer wait is taken in steps. */
const timerMsMax = 2_000_000_000;
const attemptsMax = 5;
const firstRetryMs = 200;
const missedMax = 1_000;

/** Fires schedules at their times. */
export class Clock {
  readonly missed: MissedFiring[] = [];
  readonly #options: ClockOptions;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();
  readonly #retries = new Set<ReturnType<typeof setTimeout>>();

  constructor(options: ClockOptions) {
    this.#options = options;
  }

  /** Takes a new or changed schedule in place of the one with the same ARN. */
  set(schedule: Schedule): void {
    this.remove(schedule.arn);
    if (schedule.enabled) this.#arm(schedule, schedule.changedAt);
  }

  remove(arn: string): void {
    clearTimeout(this.#timers.get(arn));
    this.#timers.delete(arn);
  }

  close(): void {
    for (const arn of [...this.#timers.keys()]) this.remove(arn);
    for (const timer of this.#retries) clearTimeout(timer);
    this.#retries.clear();
  }

  #arm(schedule: Schedule, from: number): void {
    const at = nextFire(schedule, from);
    if (at === undefined) return;
    this.#wait(schedule, { at, fireAt: at + Math.floor(this.#options.random() * schedule.windowMs) });
  }

  #wait(schedule: Schedule, times: { at: number; fireAt: number }): void {
    const left = times.fireAt - Date.now();
    const timer = setTimeout(
      () => (left > timerMsMax ? this.#wait(schedule, times) : this.#fire(schedule, times.at)),
      Math.min(Math.max(left, 0), timerMsMax),
    );
    this.#timers.set(schedule.arn, timer);
  }

  #fire(schedule: Schedule, at: number): void {
    this.#timers.delete(schedule.arn);
    const scheduledTime = `${new Date(at).toISOString().slice(0, 19)}Z`;
    const firing = { schedule, scheduledTime, executionId: randomUUID() };
    const copies = this.#options.duplicate(schedule.arn) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) this.#attempt(firing, 1).catch(() => undefined);
    if (schedule.timing.once) this.#options.onCompleted(schedule);
    else this.#arm(schedule, at + 1);
  }

  async #attempt(firing: Firing, attempt: number): Promise<void> {
    const { target, arn } = firing.schedule;
    try {
      await this.#deliver(firing, attempt);
    } catch (error) {
      const retriesMax = target.RetryPolicy?.MaximumRetryAttempts ?? attemptsMax;
      if (!isFinal(error) && attempt < attemptsMax && attempt <= retriesMax) {
        const timer = setTimeout(
          () => {
            this.#retries.delete(timer);
            this.#attempt(firing, attempt + 1).catch(() => undefined);
          },
          firstRetryMs * 2 ** (attempt - 1),
        );
        this.#retries.add(timer);
        return;
      }
      if (this.missed.length >= missedMax) this.missed.shift();
      const missed: MissedFiring = {
        scheduleArn: arn,
        scheduledTime: firing.scheduledTime,
        errorCode: error instanceof AwsError ? error.code : "SDK_CLIENT_ERROR",
        errorMessage: error instanceof Error ? error.message : String(error),
        attempts: attempt,
      };
      this.missed.push(missed);
      this.#options.keep(missed, firing.schedule);
    }
  }

  async #deliver({ schedule, scheduledTime, executionId }: Firing, attempt: number): Promise<void> {
    const { target, arn } = schedule;
    const input = withAttributes(target.Input ?? "{}", {
      "schedule-arn": arn,
      "scheduled-time": scheduledTime,
      "execution-id": executionId,
      "attempt-number": String(attempt),
    });
    if (target.Arn === universalTarget) {
      const request = Object.fromEntries(
        Object.entries(JSON.parse(input)).map(([key, value]) => [inCamelCase(key), value]),
      );
      this.#options.admit(schedule, {
        service: "AWSStepFunctions",
        operation: "StartExecution",
        input: request,
      });
      await this.#options.reach
        .stepFunctions()
        .call("StartExecution", request, callerOf(String(request["stateMachineArn"])));
      return;
    }
    const payload = this.#payload(schedule, { input, scheduledTime, executionId });
    this.#options.admit(schedule, plainCall(target.Arn, payload));
    await deliver(this.#options.reach, target.Arn, payload);
  }

  #payload(
    { target, arn }: Schedule,
    { input, scheduledTime, executionId }: { input: string; scheduledTime: string; executionId: string },
  ): string {
    const { account, region } = this.#options;
    const event = { version: "0", id: executionId, account, time: scheduledTime, region, resources: [arn] };
    if (target.EventBridgeParameters) {
      const { DetailType, Source } = target.EventBridgeParameters;
      const detail: unknown = JSON.parse(input);
      return JSON.stringify({ ...event, "detail-type": DetailType, source: Source, detail });
    }
    if (target.Input !== undefined) return input;
    // What a target without an Input gets.
    return JSON.stringify({
      ...event,
      "detail-type": "Scheduled Event",
      source: "aws.scheduler",
      detail: "{}",
    });
  }
}

/** What a target that is named by its own ARN is asked for. */
function plainCall(arn: string, payload: string): InnerCall {
  const service = arn.split(":")[2];
  if (service === "lambda") return { service, operation: "Invoke", input: { FunctionName: arn } };
  if (service === "states")
    return { service: "AWSStepFunctions", operation: "StartExecution", input: { stateMachineArn: arn } };
  const { source, "detail-type": detailType } = JSON.parse(payload);
  const entry = { EventBusName: arn, Source: source, DetailType: detailType };
  return { service: "AWSEvents", operation: "PutEvents", input: { Entries: [entry] } };
}

function withAttributes(text: string, attributes: Readonly<Record<string, string>>): string {
  return text.replace(/<aws\.scheduler\.([a-z-]+)>/g, (found, name: string) =>
    Object.hasOwn(attributes, name) ? (attributes[name] ?? found) : found,
  );
}

/** A universal target's input has the SDK's member names, which begin with a capital for every service. */
function inCamelCase(key: string): string {
  return `${key.charAt(0).toLowerCase()}${key.slice(1)}`;
}
