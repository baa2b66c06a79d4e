import { randomUUID } from "node:crypto";
import type { BusEvent, ServiceEvent } from "./event.ts";
import { type DeadLetter, Delivery } from "./event-bridge/delivery.ts";
import { entryEvent, entryFailure, refuseEntries } from "./event-bridge/entries.ts";
import { RuleClock } from "./event-bridge/rule-clock.ts";
import { limitOf, nameOf, parsePattern, Rules } from "./event-bridge/rules.ts";
import { Input, invalid, page } from "./input.ts";
import { AwsError, type Caller, type JsonService } from "./service.ts";
import type { Reach } from "./targets.ts";

export interface EventBridgeOptions {
  readonly region: string;
  readonly account: string;
  readonly reach: Omit<Reach, "forward">;
  /** Buses that exist from the start, beside "default". */
  readonly buses?: readonly string[];
  /** Whether a target gets this event twice: delivery is at-least-once. */
  duplicate?(event: BusEvent, targetArn: string): boolean;
  /** Throws an AwsError unless the target lets the rule in; without it every target lets every rule in. */
  admit?(ruleArn: string, targetArn: string): void;
  /** Hears of an event on a bus of one's own that has rules, of which none takes it. */
  onUnmatched?(bus: string, event: BusEvent): void;
  /** Gets what could not be delivered, for the queue that the target names. */
  keep?(letter: DeadLetter, queueArn: string): void;
}

export interface EventBridge extends JsonService {
  /** Puts a service's own event on the default bus. */
  emit(event: ServiceEvent): void;
  /** Fires a rule of the default bus that has a ScheduleExpression, as its clock does. */
  fire(ruleName: string): void;
  /** Puts a finished event on the bus with this ARN. Throws ResourceNotFoundException. */
  forward(busArn: string, event: BusEvent): void;
  /** Events that no attempt could deliver, oldest first. */
  deadLetters(): readonly DeadLetter[];
  /** Resolves when no event is being delivered any more. */
  idle(): Promise<void>;
  close(): void;
}

const busesMax = 100;

/** EventBridge on loopback, for the buses of one account and Region; callers of any account may put events. */
export function eventBridge(options: EventBridgeOptions): EventBridge {
  return new Buses(options);
}

class Buses implements EventBridge {
  readonly target = "AWSEvents";
  readonly #options: EventBridgeOptions;
  readonly #buses = new Map<string, Rules>();
  readonly #delivery: Delivery;
  readonly #clock = new RuleClock((name) => this.fire(name));

  constructor(options: EventBridgeOptions) {
    this.#options = options;
    const reach: Reach = {
      ...options.reach,
      forward: (arn, event) => this.#route(this.#named(arn), event, 1),
    };
    this.#delivery = new Delivery({
      reach,
      duplicate: (event, arn) => options.duplicate?.(event, arn) ?? false,
      admit: (ruleArn, targetArn) => options.admit?.(ruleArn, targetArn),
      keep: (letter, queueArn) => options.keep?.(letter, queueArn),
    });
    for (const name of ["default", ...(options.buses ?? [])]) this.#buses.set(name, this.#rulesFor(name));
  }

  async call(operation: string, members: Record<string, unknown>, caller: Caller): Promise<unknown> {
    const input = new Input(members);
    const bus = () => this.#bus(this.#named(input.optionalText("EventBusName") ?? "default"));
    switch (operation) {
      case "PutEvents":
        return this.#putEvents(input, caller);
      case "TestEventPattern":
        return { Result: parsePattern(input.text("EventPattern"))(parseEvent(input.text("Event"))) };
      case "CreateEventBus":
        return this.#create(input);
      case "DeleteEventBus":
        return this.#delete(input);
      case "DescribeEventBus":
        return this.#describe(input);
      case "ListEventBuses":
        return this.#list(input);
      case "PutRule":
        return this.#timed(input, () => bus().put(input));
      case "DescribeRule":
        return bus().describe(input);
      case "ListRules":
        return bus().list(input);
      case "DeleteRule":
        return this.#timed(input, () => bus().delete(input));
      case "EnableRule":
        return this.#timed(input, () => bus().enable(input, { enabled: true }));
      case "DisableRule":
        return this.#timed(input, () => bus().enable(input, { enabled: false }));
      case "PutTargets":
        return bus().putTargets(input);
      case "ListTargetsByRule":
        return bus().listTargets(input);
      case "RemoveTargets":
        return bus().removeTargets(input);
      default:
        throw new AwsError("UnknownOperationException", `${operation} does not work here`);
    }
  }

  emit(event: ServiceEvent): void {
    const { region, account } = this.#options;
    this.#route("default", { version: "0", id: randomUUID(), account, time: now(), region, ...event }, 0);
  }

  fire(ruleName: string): void {
    const rule = this.#bus("default").named(ruleName);
    if (rule?.schedule === undefined) throw new Error(`the rule ${ruleName} has no clock`);
    const { region, account } = this.#options;
    const event: BusEvent = {
      ...{ version: "0", id: randomUUID(), account, region, time: now(), resources: [rule.arn], detail: {} },
      ...{ source: "aws.events", "detail-type": "Scheduled Event" },
    };
    for (const target of rule.targets.values()) this.#delivery.send({ rule, target, event, hops: 0 });
  }

  forward(busArn: string, event: BusEvent): void {
    this.#route(this.#named(busArn), event, 0);
  }

  deadLetters(): readonly DeadLetter[] {
    return this.#delivery.deadLetters;
  }

  idle(): Promise<void> {
    return this.#delivery.idle();
  }

  close(): void {
    this.#clock.close();
    this.#delivery.close();
  }

  /** Only rules of the default bus may have a clock. */
  #timed<Answer>(input: Input, change: () => Answer): Answer {
    const answer = change();
    if (this.#named(input.optionalText("EventBusName") ?? "default") !== "default") return answer;
    const name = input.text("Name");
    const rule = this.#bus("default").named(name);
    if (rule === undefined) this.#clock.remove(name);
    else this.#clock.set(rule);
    return answer;
  }

  #putEvents(input: Input, caller: Caller): Record<string, unknown> {
    const entries = input.objects("Entries");
    refuseEntries(entries);
    const Entries = entries.map((entry) => {
      const failure = entryFailure(entry);
      if (failure) return failure;
      const bus = this.#named(typeof entry["EventBusName"] === "string" ? entry["EventBusName"] : "default");
      if (!this.#buses.has(bus)) {
        return { ErrorCode: "InvalidArgument", ErrorMessage: `Event bus ${bus} does not exist.` };
      }
      const event = entryEvent(entry, { account: caller.account, region: this.#options.region });
      this.#route(bus, event, 0);
      return { EventId: event.id };
    });
    return { FailedEntryCount: Entries.filter((entry) => "ErrorCode" in entry).length, Entries };
  }

  #route(bus: string, event: BusEvent, hops: number): void {
    const rules = this.#bus(bus).matching(event);
    if (rules.length === 0 && bus !== "default" && !this.#bus(bus).empty)
      this.#options.onUnmatched?.(bus, event);
    for (const rule of rules) {
      for (const target of rule.targets.values()) this.#delivery.send({ rule, target, event, hops });
    }
  }

  #create(input: Input): Record<string, unknown> {
    const name = nameOf(input, "Name");
    if (this.#buses.has(name)) {
      throw new AwsError("ResourceAlreadyExistsException", `Event bus ${name} already exists.`);
    }
    if (this.#buses.size >= busesMax)
      throw new AwsError("LimitExceededException", `at most ${busesMax} buses`);
    this.#buses.set(name, this.#rulesFor(name));
    return { EventBusArn: this.#arn(name) };
  }

  /** Deleting a bus that does not exist succeeds. */
  #delete(input: Input): void {
    const name = input.text("Name");
    if (name === "default") throw invalid("Cannot delete event bus default.");
    if (this.#buses.get(name)?.empty === false) {
      throw invalid(`Cannot delete event bus ${name}: it has rules.`);
    }
    this.#buses.delete(name);
  }

  #describe(input: Input): Record<string, unknown> {
    const name = this.#named(input.optionalText("Name") ?? "default");
    this.#bus(name);
    return { Name: name, Arn: this.#arn(name) };
  }

  #list(input: Input): Record<string, unknown> {
    const prefix = input.optionalText("NamePrefix") ?? "";
    const names = [...this.#buses.keys()].filter((name) => name.startsWith(prefix));
    const { items, nextToken } = page(names, {
      token: input.optionalText("NextToken"),
      size: limitOf(input),
    });
    return { EventBuses: items.map((Name) => ({ Name, Arn: this.#arn(Name) })), NextToken: nextToken };
  }

  #rulesFor(bus: string): Rules {
    const { region, account } = this.#options;
    return new Rules({ bus, region, account });
  }

  #bus(name: string): Rules {
    const bus = this.#buses.get(name);
    if (!bus) throw new AwsError("ResourceNotFoundException", `Event bus ${name} does not exist.`);
    return bus;
  }

  #arn(name: string): string {
    const { region, account } = this.#options;
    return `arn:aws:events:${region}:${account}:event-bus/${name}`;
  }

  /** A bus is given by name or by ARN; an ARN of another account or Region names none of these. */
  #named(nameOrArn: string): string {
    const own = this.#arn("");
    return nameOrArn.startsWith(own) ? nameOrArn.slice(own.length) : nameOrArn;
  }
}

/** ISO, whole seconds. */
function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}

function parseEvent(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new AwsError("InvalidEventPatternException", "Parameter Event is not valid. Reason: it is no JSON");
  }
}
