import { ProviderUnavailable, StoreUnavailable } from "../../../core/errors.ts";
import { TaskFailure } from "../../../local/aws/machine.ts";
import type { FakeReply } from "../../../providers/fake.ts";
import { errorReply } from "../../../providers/fake-faults.ts";
import { boundedReply, type HttpReply } from "../../../providers/http.ts";
import { Random } from "../plan/random.ts";
import type { Watch } from "../rules/watch.ts";
import {
  type AnnounceFault,
  type BoundaryCall,
  type IncidentPort,
  type Invocation,
  never,
  type Surroundings,
} from "../world/surroundings.ts";
import { type Outage, Refusals } from "./outage.ts";
import { type SharpWeather, sharpStrikes } from "./sharp-weather.ts";
import { type FaultKind, isProviderKind, type Weather } from "./weather.ts";

/** Chance strikes these in sharp weather only. */
const incidentPorts: ReadonlySet<string> = new Set<IncidentPort>(["people", "scoper", "reports"]);
const announceFaults = ["failBefore", "lostReply"] as const satisfies readonly AnnounceFault[];
/** A run announces once, so its fault is as likely as one among some of a function's calls. */
const announceShare = 5;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
/** Whatever the platform does to a function is tried again; only what its own code throws ends a run at once. */
const notRetried = "UnexpectedFailure";
/** How Step Functions names the end of a function that ran out of time. */
const outOfTimeError = "Lambda.Unknown";
/** Longer than a Task's time-out of 60 s, so that a successor has finished when it thaws. */
const freezeMaxMs = 150_000;
const successorWorksMs = 64_000;
const successorIsDoneMs = 150_000;

interface Life {
  readonly skewMs: number;
  isCrashed: boolean;
  timer: ReturnType<typeof setTimeout> | undefined;
  crash(error: Error): void;
}

/**
 * Azure regenerates a place whatever is in it: a request that arrives there a minute late, when another run has filled
 * the place, cannot be made harmless by anybody. Rekey looks at the place just before the call, and not before that.
 */
export function overwritesBlindly({ port, operation }: Pick<BoundaryCall, "port" | "operation">): boolean {
  return port === "provider" && operation.endsWith("/regenerateKey");
}

/** Says at which call which fault strikes, instead of chance. */
export type Strikes = (call: BoundaryCall) => FaultKind | undefined;

/** Everything around the functions, decided by a seed, and looked at after every effect. */
export class Storm implements Surroundings {
  readonly #weather: Weather;
  readonly #random: Random;
  /** A stream of its own: what becomes of an announcement leaves every other call as it is. */
  readonly #busRandom: Random;
  readonly #watch: Watch;
  readonly #skewMaxMs: number;
  readonly #strikes: Strikes | undefined;
  readonly #sharp: { readonly strikes: Strikes; readonly faultsMax: number } | undefined;
  readonly #refusals: Refusals;
  readonly #lives = new Map<number, Life>();
  #isCalm = false;
  #nextReply: FaultKind | undefined;
  faults = 0;
  /** As if the rule on Step Functions' status events had failed: only the sweep is left. */
  losesStatusEvents = false;
  refusesDeletes: { readonly status: number; readonly untilMs: number } | undefined;

  constructor(options: {
    readonly weather: Weather;
    readonly seed: number;
    readonly watch: Watch;
    readonly skewMaxMs: number;
    readonly strikes?: Strikes | undefined;
    readonly sharp?: SharpWeather | undefined;
    readonly outage?: Outage | undefined;
  }) {
    this.#weather = options.weather;
    this.#random = new Random(options.seed, 2);
    this.#busRandom = new Random(options.seed, 7);
    this.#watch = options.watch;
    this.#skewMaxMs = options.skewMaxMs;
    this.#strikes = options.strikes;
    const { sharp, seed } = options;
    const keyIdOf = (text: string) => this.#watch.keyIds.get(text);
    this.#refusals = new Refusals(options.outage, { nowMs: () => Date.now(), keyIdOf });
    this.#sharp = sharp && { strikes: sharpStrikes(sharp, seed), faultsMax: sharp.faultsMax };
  }

  calm(): void {
    this.#isCalm = true;
  }

  invocation(started: Omit<Invocation, "skewMs">): { skewMs: number; crashed: Promise<never> } {
    const { promise: crashed, reject } = Promise.withResolvers<never>();
    crashed.catch(() => undefined);
    const max = this.#weather.isSkewed ? this.#skewMaxMs : 0;
    const skewMs = max === 0 ? 0 : this.#random.int(-max, max);
    const life: Life = { skewMs, isCrashed: false, crash: reject, timer: undefined };
    this.#lives.set(started.id, life);
    const { timeLimit } = started;
    const outOfTime = () => {
      if (timeLimit?.signal.aborted === false) crash(life, outOfTimeError);
    };
    if (timeLimit !== undefined) life.timer = setTimeout(outOfTime, timeLimit.ms);
    this.#watch.started({ ...started, skewMs });
    return { skewMs, crashed };
  }

  ended(invocation: Invocation, end: { readonly output: string } | { readonly error: unknown }): void {
    clearTimeout(this.#lives.get(invocation.id)?.timer);
    this.#watch.ended(invocation, end);
  }

  deliveries(type: string): readonly number[] {
    if (type === "ExecutionStatusChange" && this.losesStatusEvents) return [];
    if (this.#isCalm || !this.#weather.isBusUnruly) return [50];
    const first = this.#random.pick([0, 50, 300, 4_000]);
    return this.#random.chance(0.2) ? [first, first + this.#random.int(0, 12_000)] : [first];
  }

  announces(): AnnounceFault | undefined {
    const { kinds, rate, faultsMax } = this.#weather;
    if (this.#isCalm || this.faults >= faultsMax || !this.#busRandom.chance(rate * announceShare))
      return undefined;
    const fault = this.#busRandom.pick(announceFaults);
    if (!kinds.includes(fault)) return undefined;
    this.faults += 1;
    this.#watch.tell(`Announce !${fault}`);
    return fault;
  }

  reply(reply: FakeReply): FakeReply {
    this.#watch.replied(reply);
    const fault = this.#nextReply;
    this.#nextReply = undefined;
    if (fault === "garbage") return { ...reply, body: "<html>a proxy</html>" };
    if (fault === "quote") return errorReply(500, { message: reply.body, code: reply.body.slice(0, 200) });
    return reply;
  }

  async call<Answer>(call: BoundaryCall, effect: () => Promise<Answer>): Promise<Answer> {
    // What no machine calls begins its life with its first call.
    if (!this.#lives.has(call.invocation.id)) this.invocation(call.invocation);
    const life = this.#lives.get(call.invocation.id);
    if (life === undefined || life.isCrashed) return never();
    const drawn = this.#draw(call);
    const kind = drawn === "freezeBefore" && overwritesBlindly(call) ? "freezeAfter" : drawn;
    if (kind === undefined) return this.#perform(call, effect);
    this.faults += 1;
    this.#watch.note(call, kind);
    return this.#strike({ kind, call, life }, effect);
  }

  #draw(call: BoundaryCall): FaultKind | undefined {
    if (this.#isCalm) return undefined;
    if (this.#strikes !== undefined) return this.#strikes(call);
    if (this.#sharp !== undefined)
      return this.faults < this.#sharp.faultsMax ? this.#sharp.strikes(call) : undefined;
    const { port, changes } = call;
    if (incidentPorts.has(port)) return undefined;
    const { rate, kinds, faultsMax } = this.#weather;
    if (this.faults >= faultsMax) return undefined;
    if (!this.#random.chance(changes ? rate * 2 : rate)) return undefined;
    const fitting = kinds.filter((kind) => port === "provider" || !isProviderKind.has(kind));
    return fitting[this.#random.int(0, fitting.length - 1)];
  }

  /** The fakes act before they first wait, so what is looked at is the world after this effect and no other. */
  #perform<Answer>(call: BoundaryCall, effect: () => Promise<Answer>): Promise<Answer> {
    this.#watch.before(call);
    const refusal = this.#refusedDelete(call) ?? (this.#isCalm ? undefined : this.#refusals.answer(call));
    const answer = refusal === undefined ? effect() : Promise.resolve(refusal as Answer);
    this.#watch.after(call);
    return answer;
  }

  /** Also when the weather is calm: a provider's trouble lasts for hours. */
  #refusedDelete({ port, operation }: BoundaryCall): HttpReply | undefined {
    const refused = this.refusesDeletes;
    if (refused === undefined || port !== "provider" || !operation.startsWith("DELETE ")) return undefined;
    if (Date.now() >= refused.untilMs) return undefined;
    return boundedReply(errorReply(refused.status, { code: "server_error" }));
  }

  async #strike<Answer>(
    { kind, call, life }: { readonly kind: FaultKind; readonly call: BoundaryCall; readonly life: Life },
    effect: () => Promise<Answer>,
  ): Promise<Answer> {
    const random = this.#random;
    switch (kind) {
      case "failBefore":
        throw unavailable(call);
      case "lostReply":
        await this.#perform(call, effect);
        throw unavailable(call);
      case "throttle":
        this.#watch.throttled(call.invocation, 0);
        return throttled({}) as Answer;
      case "retryAfter": {
        const seconds = random.int(1, 30);
        this.#watch.throttled(call.invocation, seconds * 1000);
        return throttled({ "retry-after": String(seconds) }) as Answer;
      }
      case "serverErrorAfter":
        await this.#perform(call, effect);
        return boundedReply(errorReply(500, { code: "server_error" })) as Answer;
      case "timeout":
        if (random.chance(0.5)) await this.#perform(call, effect);
        await pause(10_000);
        throw new ProviderUnavailable("the provider did not answer (ETIMEDOUT)");
      case "slow":
      case "freezeBefore":
        await pause(restMs(kind, random));
        return this.#resume(life, () => this.#perform(call, effect));
      case "lateReply":
      case "freezeAfter": {
        const answer = await this.#perform(call, effect);
        await pause(restMs(kind, random));
        return answer;
      }
      case "garbage":
      case "quote":
        this.#nextReply = kind;
        return this.#perform(call, effect);
      case "crashBefore":
      case "exitBefore":
        return crash(life, kind === "exitBefore" ? notRetried : "Lambda.Unknown");
      case "crashAfter":
      case "exitAfter":
        await this.#perform(call, effect);
        return crash(life, kind === "exitAfter" ? notRetried : "Lambda.Unknown");
      case "never":
        return never();
      case "diesBefore":
        return this.#die(call, life);
      case "diesAfter":
        await this.#perform(call, effect);
        return this.#die(call, life);
      case "thawsDuring":
        await pause(successorWorksMs);
        return this.#perform(call, effect);
      case "thawsAfter":
        await pause(successorIsDoneMs);
        return this.#perform(call, effect);
      case "twiceBefore":
        this.#again(call);
        return this.#perform(call, effect);
      case "twiceAfter": {
        const answer = await this.#perform(call, effect);
        this.#again(call);
        return answer;
      }
    }
  }

  /** The function, its execution and the event that would tell of it: nothing is left that could act. */
  #die({ invocation }: BoundaryCall, life: Life): Promise<never> {
    this.losesStatusEvents = true;
    life.isCrashed = true;
    const { executionArn } = invocation;
    if (executionArn !== undefined) this.#watch.world.runs.get(executionArn)?.stop("it died");
    return never();
  }

  /** Lambda may run a function twice for one event. */
  #again({ invocation }: BoundaryCall): void {
    const { functionName, input, executionArn } = invocation;
    const by = executionArn === undefined ? {} : { executionArn };
    this.#watch.world.invoke(functionName, input, by).catch(() => undefined);
  }

  #resume<Answer>(life: Life, work: () => Promise<Answer>): Promise<Answer> {
    return life.isCrashed ? never() : work();
  }
}

/** A slow call or reply is seconds late; a frozen function sleeps longer than its Task waits. */
function restMs(kind: FaultKind, random: Random): number {
  const isFrozen = kind === "freezeBefore" || kind === "freezeAfter";
  return isFrozen ? random.int(2_000, freezeMaxMs) : random.int(1, 8_000);
}

function crash(life: Life, name: string): Promise<never> {
  life.isCrashed = true;
  life.crash(new TaskFailure(name, "the function died"));
  return never();
}

function throttled(headers: Record<string, string>): unknown {
  return boundedReply(errorReply(429, { code: "rate_limit_exceeded", headers }));
}

function unavailable({ port, operation }: BoundaryCall): Error {
  return port === "provider" || port === "destination"
    ? new ProviderUnavailable("the provider did not answer (ECONNRESET)")
    : new StoreUnavailable(`${port} ${operation} did not answer`);
}
