import { type Input, invalid, isObject, page } from "../input.ts";
import { compilePattern, type EventTest, PatternInvalid } from "../pattern.ts";
import { AwsError } from "../service.ts";

/** As given to PutTargets; RetryPolicy and DeadLetterConfig are kept as they came. */
export interface Target {
  readonly Id: string;
  readonly Arn: string;
  readonly Input?: string;
  readonly InputPath?: string;
  readonly InputTransformer?: {
    readonly InputPathsMap?: Record<string, string>;
    readonly InputTemplate: string;
  };
  readonly RetryPolicy?: {
    readonly MaximumRetryAttempts?: number;
    readonly MaximumEventAgeInSeconds?: number;
  };
  readonly DeadLetterConfig?: { readonly Arn?: string };
}

export interface Rule {
  readonly name: string;
  readonly arn: string;
  /** Empty for a rule that only has a clock. */
  readonly pattern: string;
  /** `rate(15 minutes)` */
  readonly schedule: string | undefined;
  readonly test: EventTest;
  readonly description: string | undefined;
  readonly roleArn: string | undefined;
  readonly enabled: boolean;
  readonly targets: ReadonlyMap<string, Target>;
}

const rulesMax = 300;
const targetsMax = 5;
const patternLengthMax = 4_096;
const pageSizeMax = 100;

/** One bus's rules. */
export class Rules {
  readonly #bus: string;
  readonly #arnPrefix: string;
  readonly #rules = new Map<string, Rule>();

  constructor({ bus, region, account }: { bus: string; region: string; account: string }) {
    this.#bus = bus;
    this.#arnPrefix = `arn:aws:events:${region}:${account}:rule/${bus === "default" ? "" : `${bus}/`}`;
  }

  get empty(): boolean {
    return this.#rules.size === 0;
  }

  matching(event: unknown): readonly Rule[] {
    return [...this.#rules.values()].filter(({ enabled, test }) => enabled && test(event));
  }

  /** Replaces everything the rule said before, except its targets. */
  put(input: Input): Record<string, unknown> {
    const name = nameOf(input, "Name");
    const schedule = input.optionalText("ScheduleExpression");
    if (schedule !== undefined && this.#bus !== "default")
      throw invalid("ScheduleExpression is supported only on the default event bus.");
    if (schedule?.startsWith("at(")) throw invalid("Parameter ScheduleExpression is not valid.");
    const pattern = input.optionalText("EventPattern");
    if (pattern === undefined && schedule === undefined)
      throw invalid("Parameter(s) EventPattern or ScheduleExpression must be specified.");
    const known = this.#rules.get(name);
    if (!known && this.#rules.size >= rulesMax)
      throw limitExceeded("The requested resource exceeds the maximum number allowed.");
    const arn = `${this.#arnPrefix}${name}`;
    this.#rules.set(name, {
      name,
      arn,
      ...{ pattern: pattern ?? "", schedule },
      test: pattern === undefined ? () => false : parsePattern(pattern),
      description: input.optionalText("Description"),
      roleArn: input.optionalText("RoleArn"),
      enabled: (input.optionalText("State") ?? "ENABLED") !== "DISABLED",
      targets: known?.targets ?? new Map(),
    });
    return { RuleArn: arn };
  }

  describe(input: Input): Record<string, unknown> {
    return { ...this.#summary(this.#find(input, "Name")) };
  }

  list(input: Input): Record<string, unknown> {
    const prefix = input.optionalText("NamePrefix") ?? "";
    const rules = [...this.#rules.values()].filter(({ name }) => name.startsWith(prefix));
    const { items, nextToken } = page(rules, {
      token: input.optionalText("NextToken"),
      size: limitOf(input),
    });
    return { Rules: items.map((rule) => this.#summary(rule)), NextToken: nextToken };
  }

  /** Deleting a rule that does not exist succeeds; one that has targets is refused. */
  delete(input: Input): void {
    const rule = this.#rules.get(input.text("Name"));
    if (rule && rule.targets.size > 0) throw invalid("Rule can't be deleted since it has targets.");
    if (rule) this.#rules.delete(rule.name);
  }

  enable(input: Input, { enabled }: { enabled: boolean }): void {
    const rule = this.#find(input, "Name");
    this.#rules.set(rule.name, { ...rule, enabled });
  }

  putTargets(input: Input): Record<string, unknown> {
    const rule = this.#find(input, "Rule");
    const targets = new Map(rule.targets);
    for (const given of input.objects("Targets")) {
      const target = targetOf(given);
      targets.set(target.Id, target);
    }
    if (targets.size > targetsMax)
      throw limitExceeded("The requested resource exceeds the maximum number allowed.");
    this.#rules.set(rule.name, { ...rule, targets });
    return { FailedEntryCount: 0, FailedEntries: [] };
  }

  listTargets(input: Input): Record<string, unknown> {
    const targets = [...this.#find(input, "Rule").targets.values()];
    const { items, nextToken } = page(targets, {
      token: input.optionalText("NextToken"),
      size: limitOf(input),
    });
    return { Targets: items, NextToken: nextToken };
  }

  removeTargets(input: Input): Record<string, unknown> {
    const rule = this.#find(input, "Rule");
    const targets = new Map(rule.targets);
    const missing = input.texts("Ids").filter((id) => !targets.delete(id));
    this.#rules.set(rule.name, { ...rule, targets });
    const FailedEntries = missing.map((TargetId) => ({
      TargetId,
      ErrorCode: "ResourceNotFoundException",
      ErrorMessage: `Rule ${rule.name} does not have a target with the Id ${TargetId}.`,
    }));
    return { FailedEntryCount: missing.length, FailedEntries };
  }

  named(name: string): Rule | undefined {
    return this.#rules.get(name);
  }

  #find(input: Input, member: "Name" | "Rule"): Rule {
    const name = input.text(member);
    const rule = this.#rules.get(name);
    if (rule) return rule;
    throw new AwsError("ResourceNotFoundException", `Rule ${name} does not exist on EventBus ${this.#bus}.`);
  }

  #summary({ name, arn, pattern, schedule, description, roleArn, enabled }: Rule): Record<string, unknown> {
    return {
      Name: name,
      Arn: arn,
      EventPattern: pattern === "" ? undefined : pattern,
      ScheduleExpression: schedule,
      State: enabled ? "ENABLED" : "DISABLED",
      Description: description,
      RoleArn: roleArn,
      EventBusName: this.#bus,
    };
  }
}

export function parsePattern(text: string): EventTest {
  const refused = (reason: string) =>
    new AwsError("InvalidEventPatternException", `Event pattern is not valid. Reason: ${reason}`);
  if (text.length > patternLengthMax) throw refused(`a pattern has at most ${patternLengthMax} characters`);
  try {
    return compilePattern(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof PatternInvalid) throw refused(error.message);
    throw error;
  }
}

export function nameOf(input: Input, member: string): string {
  const name = input.text(member);
  if (!/^[\w.-]{1,64}$/.test(name))
    throw invalid(`${member} has 1 to 64 of the characters A-Z, a-z, 0-9, ., - and _`);
  return name;
}

export function limitOf(input: Input): number {
  const limit = input.integer("Limit", pageSizeMax);
  if (limit < 1 || limit > pageSizeMax) throw invalid(`Limit is between 1 and ${pageSizeMax}`);
  return limit;
}

function limitExceeded(message: string): AwsError {
  return new AwsError("LimitExceededException", message);
}

function targetOf(given: Record<string, unknown>): Target {
  const { Id, Arn, InputTransformer } = given;
  if (typeof Id !== "string" || !/^[\w.-]{1,64}$/.test(Id))
    throw invalid("a target has an Id of 1 to 64 characters");
  if (typeof Arn !== "string" || !/^arn:[^:]+:[^:]+:[^:]*:[^:]*:.+/.test(Arn)) {
    throw invalid("Parameter Arn is not valid. Reason: Provided Arn is not in correct format.");
  }
  const inputs = ["Input", "InputPath", "InputTransformer"].filter((member) => given[member] !== undefined);
  if (inputs.length > 1)
    throw invalid(`Only one of Input, InputPath, or InputTransformer must be provided for target ${Id}.`);
  if (
    InputTransformer !== undefined &&
    !(isObject(InputTransformer) && typeof InputTransformer["InputTemplate"] === "string")
  ) {
    throw invalid("an InputTransformer has an InputTemplate");
  }
  return { ...given, Id, Arn };
}
