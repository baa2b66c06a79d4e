import type { BusEvent } from "../event.ts";
import { AwsError } from "../service.ts";
import { deliver, isFinal, type Reach } from "../targets.ts";
import type { Rule, Target } from "./rules.ts";
import { targetInput } from "./transform.ts";

/** One event that a target never got. */
export interface DeadLetter {
  readonly ruleArn: string;
  readonly targetArn: string;
  readonly event: BusEvent;
  readonly errorCode: string;
  readonly errorMessage: string;
  readonly attempts: number;
}

interface Parcel {
  readonly rule: Rule;
  readonly target: Target;
  readonly event: BusEvent;
  /** Buses that have passed the event on so far. */
  readonly hops: number;
}

interface DeliveryOptions {
  readonly reach: Reach;
  duplicate(event: BusEvent, targetArn: string): boolean;
  /** Throws an AwsError unless the target lets the rule in. */
  admit(ruleArn: string, targetArn: string): void;
  /** Gets what could not be delivered, for the queue that the target names. */
  keep(letter: DeadLetter, queueArn: string): void;
}

/** AWS tries for 24 hours and 185 times; nobody waits that long on loopback. */
const attemptsMax = 5;
const firstRetryMs = 50;
/** An event that a bus has passed on is not passed on again. */
const hopsMax = 1;
const deadLettersMax = 1_000;

/** Brings events to targets: never within the call that put them, and at least once. */
export class Delivery {
  readonly deadLetters: DeadLetter[] = [];
  readonly #options: DeliveryOptions;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  #underway = 0;
  #onIdle: (() => void)[] = [];
  #closed = false;

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  send(parcel: Parcel): void {
    if (parcel.hops >= hopsMax && parcel.target.Arn.split(":")[2] === "events") return;
    const copies = this.#options.duplicate(parcel.event, parcel.target.Arn) ? 2 : 1;
    for (let copy = 0; copy < copies; copy += 1) this.#later(0, () => this.#attempt(parcel, 1));
  }

  idle(): Promise<void> {
    if (this.#underway === 0) return Promise.resolve();
    return new Promise((resolve) => {
      this.#onIdle.push(resolve);
    });
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#underway -= this.#timers.size;
    this.#timers.clear();
    this.#settle();
  }

  #later(ms: number, work: () => Promise<void>): void {
    if (this.#closed) return;
    this.#underway += 1;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work().finally(() => {
        this.#underway -= 1;
        this.#settle();
      });
    }, ms);
    this.#timers.add(timer);
  }

  async #attempt(parcel: Parcel, attempt: number): Promise<void> {
    const { rule, target, event } = parcel;
    try {
      this.#options.admit(rule.arn, target.Arn);
      await deliver(this.#options.reach, target.Arn, targetInput(target, event, rule));
    } catch (error) {
      const retriesMax = target.RetryPolicy?.MaximumRetryAttempts ?? attemptsMax;
      if (!isFinal(error) && attempt < attemptsMax && attempt <= retriesMax) {
        this.#later(firstRetryMs * 2 ** (attempt - 1), () => this.#attempt(parcel, attempt + 1));
        return;
      }
      this.#bury(parcel, { error, attempts: attempt });
    }
  }

  #bury({ rule, target, event }: Parcel, { error, attempts }: { error: unknown; attempts: number }): void {
    if (this.deadLetters.length >= deadLettersMax) this.deadLetters.shift();
    const letter: DeadLetter = {
      ruleArn: rule.arn,
      targetArn: target.Arn,
      event,
      errorCode: error instanceof AwsError ? error.code : "SDK_CLIENT_ERROR",
      errorMessage: error instanceof Error ? error.message : String(error),
      attempts,
    };
    this.deadLetters.push(letter);
    const queueArn = target.DeadLetterConfig?.Arn;
    if (queueArn !== undefined) this.#options.keep(letter, queueArn);
  }

  #settle(): void {
    if (this.#underway > 0) return;
    const waiting = this.#onIdle;
    this.#onIdle = [];
    for (const resolve of waiting) resolve();
  }
}
