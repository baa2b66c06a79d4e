import { randomUUID } from "node:crypto";
import { AwsError, type Caller } from "../aws/service.ts";
import { deployerCalls } from "./deployer-calls.ts";
import type { Live } from "./live.ts";
import type { Services } from "./provision.ts";
import {
  DeploymentFailed,
  nothing,
  type Reconciling,
  type Resolved,
  reconcile,
  removeAll,
} from "./reconcile.ts";
import { type Place, resolveOutputs, resolveStack } from "./resolve.ts";
import { type GivenTemplate, invalid, parseTemplate, valuesFor } from "./template.ts";

export interface StackEvent {
  readonly eventId: string;
  readonly logicalId: string;
  readonly physicalId: string;
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly atMs: number;
}

/** A stack as DescribeStacks shows it. */
export interface DescribedStack {
  readonly id: string;
  readonly name: string;
  /** "CREATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", ... */
  readonly status: string;
  readonly reason?: string;
  readonly createdAtMs: number;
  readonly updatedAtMs?: number;
  readonly outputs: Readonly<Record<string, string>>;
  readonly parameters?: Readonly<Record<string, string>>;
  readonly capabilities?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
}

/** What a caller wants a stack to be. */
export interface Wanted {
  /** Who deploys: each call for a resource is decided by this principal's rights. */
  readonly by: Caller;
  /** Undefined keeps the template that the stack has. */
  readonly template: string | undefined;
  /** A parameter without a value keeps the one that the stack has. */
  readonly parameters: ReadonlyMap<string, string | undefined>;
  readonly capabilities: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}

/** A template with all its values, ready to be made. */
export interface Plan {
  readonly wanted: Wanted;
  readonly text: string;
  readonly template: GivenTemplate;
  readonly parameters: Readonly<Record<string, string>>;
  readonly after: Resolved;
}

interface StoredStack {
  readonly id: string;
  readonly name: string;
  readonly createdAtMs: number;
  updatedAtMs?: number;
  status: string;
  reason?: string | undefined;
  /** Of the last operation that succeeded. */
  made: Plan | undefined;
  outputs: Readonly<Record<string, string>>;
  readonly events: StackEvent[];
  /** Of the operation that runs, or ran last. Never rejects. */
  done: Promise<void>;
}

interface StacksOptions {
  readonly place: Omit<Place, "stackName" | "stackId">;
  readonly live: Live;
  readonly services: Services;
}

const stacksMax = 100;
const eventsMax = 10_000;

/** The stacks of one account and Region: the only way in which anything is made in this cloud. */
export class Stacks {
  readonly #options: StacksOptions;
  /** By id; deleted ones stay, as on AWS, under their id only. */
  readonly #stored = new Map<string, StoredStack>();

  constructor(options: StacksOptions) {
    this.#options = options;
  }

  /** Throws before anything is made for what CloudFormation refuses at once; `settled` waits for the rest. */
  create(name: string, wanted: Wanted, id = this.newId(name)): DescribedStack {
    const known = this.find(name);
    if (known !== undefined) throw new AwsError("AlreadyExistsException", `Stack [${name}] already exists`);
    const plan = this.plan({ id, name }, wanted);
    return this.#make(id, name, plan);
  }

  update(nameOrId: string, wanted: Wanted): DescribedStack {
    const stack = this.#existing(nameOrId);
    const plan = this.plan(stack, wanted);
    if (this.isUnchanged(nameOrId, plan)) throw invalid("No updates are to be performed.");
    return this.#change(stack, plan);
  }

  /** A stack that is to be made in a second step shows itself already. */
  reserve(name: string): DescribedStack {
    return described(this.#store(this.newId(name), name, "REVIEW_IN_PROGRESS"));
  }

  /** Makes or changes the stack as it was planned. */
  execute(nameOrId: string, plan: Plan): DescribedStack {
    const stack = this.#existing(nameOrId);
    return stack.status === "REVIEW_IN_PROGRESS" ? this.#fill(stack, plan) : this.#change(stack, plan);
  }

  delete(nameOrId: string, by: Caller): void {
    const stack = this.find(nameOrId);
    if (stack === undefined) return;
    this.#assertIdle(stack);
    this.#say(stack, "DELETE_IN_PROGRESS");
    const before = stack.made?.after ?? nothing;
    this.#run(stack, async () => {
      await removeAll(before, this.#doing(stack, by));
      stack.made = undefined;
      this.#say(stack, "DELETE_COMPLETE");
    });
  }

  all(): readonly DescribedStack[] {
    return [...this.#stored.values()].map(described);
  }

  described(nameOrId: string): DescribedStack {
    return described(this.#existing(nameOrId));
  }

  /** As it was given. */
  template(nameOrId: string): string {
    return this.#existing(nameOrId).made?.text ?? "";
  }

  /** By name, or by id also after it was deleted. Throws for a stack that never was. */
  events(nameOrId: string): readonly StackEvent[] {
    return this.#existing(nameOrId).events.toReversed();
  }

  /** The resources that the stack has now. */
  resources(name: string): Resolved["stack"] {
    return this.find(name)?.made?.after.stack ?? nothing.stack;
  }

  /** How the operation that runs on the stack ended. */
  async settled(nameOrId: string): Promise<DescribedStack> {
    const stack = this.#existing(nameOrId);
    await stack.done;
    return described(stack);
  }

  /** Waits for everything that runs, so that nothing is made any more in a cloud that closes. */
  async idle(): Promise<void> {
    await Promise.all([...this.#stored.values()].map(({ done }) => done));
  }

  /** What the stack would be. Throws a ValidationError for what CloudFormation refuses at once. */
  plan({ id, name }: { readonly id: string; readonly name: string }, wanted: Wanted): Plan {
    const made = this.#stored.get(id)?.made;
    const text = wanted.template ?? made?.text;
    if (text === undefined) throw invalid("Either Template URL or Template Body must be specified.");
    const template = parseTemplate(text);
    assertCapable(template, wanted);
    const parameters = valuesFor(template, valuesGiven(wanted, made));
    const { place, services } = this.#options;
    const resolved = refusing(() =>
      resolveStack(
        template.Resources,
        { ...place, stackName: name, stackId: id },
        {
          parameters,
          before: made?.after.stack ?? nothing.stack,
          nextVersion: (functionName) => services.functions.nextVersion(functionName),
        },
      ),
    );
    return { wanted, text, template, parameters, after: { resources: template.Resources, stack: resolved } };
  }

  isUnchanged(nameOrId: string, { text, parameters }: Plan): boolean {
    const made = this.find(nameOrId)?.made;
    return made?.text === text && JSON.stringify(made.parameters) === JSON.stringify(parameters);
  }

  find(nameOrId: string): StoredStack | undefined {
    const byId = this.#stored.get(nameOrId);
    if (byId !== undefined) return byId;
    return [...this.#stored.values()].find(
      ({ name, status }) => name === nameOrId && status !== "DELETE_COMPLETE",
    );
  }

  newId(name: string, unique: string = randomUUID()): string {
    return this.arn(`stack/${name}/${unique}`);
  }

  arn(rest: string): string {
    const { partition, region, account } = this.#options.place;
    return `arn:${partition}:cloudformation:${region}:${account}:${rest}`;
  }

  #make(id: string, name: string, plan: Plan): DescribedStack {
    return this.#fill(this.#store(id, name, "CREATE_IN_PROGRESS"), plan);
  }

  #store(id: string, name: string, status: string): StoredStack {
    if (this.#stored.size >= stacksMax)
      throw new AwsError("LimitExceededException", `at most ${stacksMax} stacks`);
    const stored: StoredStack = {
      ...{ id, name, status, createdAtMs: Date.now(), made: undefined, outputs: {}, events: [] },
      done: Promise.resolve(),
    };
    this.#stored.set(id, stored);
    return stored;
  }

  #fill(stack: StoredStack, plan: Plan): DescribedStack {
    this.#say(stack, "CREATE_IN_PROGRESS");
    this.#run(stack, async () => {
      try {
        await reconcile(nothing, plan.after, this.#doing(stack, plan.wanted.by));
      } catch (error) {
        return this.#failed(stack, error, "ROLLBACK");
      }
      this.#succeeded(stack, plan, "CREATE_COMPLETE");
    });
    return described(stack);
  }

  #change(stack: StoredStack, plan: Plan): DescribedStack {
    this.#assertIdle(stack);
    if (!/^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$/.test(stack.status))
      throw invalid(`Stack:${stack.id} is in ${stack.status} state and can not be updated.`);
    const before = stack.made?.after ?? nothing;
    this.#say(stack, "UPDATE_IN_PROGRESS");
    this.#run(stack, async () => {
      try {
        await reconcile(before, plan.after, this.#doing(stack, plan.wanted.by));
      } catch (error) {
        return this.#failed(stack, error, "UPDATE_ROLLBACK");
      }
      stack.updatedAtMs = Date.now();
      this.#succeeded(stack, plan, "UPDATE_COMPLETE");
    });
    return described(stack);
  }

  #succeeded(stack: StoredStack, plan: Plan, status: string): void {
    const { after, parameters, template } = plan;
    const place = { ...this.#options.place, stackName: stack.name, stackId: stack.id };
    stack.outputs = resolveOutputs(template, { stack: after.stack, place, parameters });
    stack.made = plan;
    this.#say(stack, status);
  }

  #failed(stack: StoredStack, error: unknown, verb: "ROLLBACK" | "UPDATE_ROLLBACK"): void {
    if (!(error instanceof DeploymentFailed)) throw error;
    const { rollbackReason, message } = error;
    this.#say(stack, `${verb}_IN_PROGRESS`, message);
    if (rollbackReason === undefined) this.#say(stack, `${verb}_COMPLETE`, message);
    else this.#say(stack, `${verb}_FAILED`, `${message}; ${rollbackReason}`);
  }

  /** One operation at a time, in the background. */
  #run(stack: StoredStack, operation: () => Promise<void>): void {
    stack.done = operation().catch((error: unknown) => {
      this.#say(stack, `${stack.status.split("_")[0]}_FAILED`, error instanceof Error ? error.message : "?");
    });
  }

  #doing(stack: StoredStack, by: Caller): Reconciling {
    const { live, services, place } = this.#options;
    const at = { ...place, stackName: stack.name, stackId: stack.id };
    return {
      live,
      services,
      admit: (resource, verb) => services.guard.admitAsked(by, deployerCalls(resource, verb, at)),
      note: ({ resource, status, reason }) =>
        this.#record(stack, {
          ...{ logicalId: resource.id, physicalId: resource.ref, type: resource.type, status },
          ...(reason !== undefined && { reason }),
        }),
    };
  }

  #say(stack: StoredStack, status: string, reason?: string): void {
    stack.status = status;
    stack.reason = reason;
    this.#record(stack, {
      ...{ logicalId: stack.name, physicalId: stack.id, type: "AWS::CloudFormation::Stack", status },
      ...(reason !== undefined && { reason }),
    });
  }

  #record(stack: StoredStack, event: Omit<StackEvent, "eventId" | "atMs">): void {
    stack.events.push({ ...event, eventId: randomUUID(), atMs: Date.now() });
    if (stack.events.length > eventsMax) stack.events.shift();
  }

  #assertIdle({ id, status }: StoredStack): void {
    if (status.endsWith("_IN_PROGRESS") && status !== "REVIEW_IN_PROGRESS")
      throw invalid(`Stack:${id} is in ${status} state and can not be updated.`);
  }

  #existing(nameOrId: string): StoredStack {
    const found = this.find(nameOrId);
    if (found === undefined) throw invalid(`Stack with id ${nameOrId} does not exist`);
    return found;
  }
}

/** Roles with names of their own are made only for a caller who says that this is meant. */
function assertCapable({ Resources }: GivenTemplate, { capabilities }: Wanted): void {
  const roles = Object.values(Resources).filter(({ Type }) => Type.startsWith("AWS::IAM::"));
  const isNamed = roles.some(({ Properties }) => Properties["RoleName"] ?? Properties["ManagedPolicyName"]);
  const needed = isNamed ? "CAPABILITY_NAMED_IAM" : "CAPABILITY_IAM";
  if (roles.length === 0 || capabilities.includes("CAPABILITY_NAMED_IAM") || capabilities.includes(needed))
    return;
  throw new AwsError("InsufficientCapabilitiesException", `Requires capabilities : [${needed}]`);
}

function valuesGiven({ parameters }: Wanted, made: Plan | undefined): ReadonlyMap<string, string> {
  return new Map(
    [...parameters].map(([name, value]) => {
      const kept = value ?? made?.parameters[name];
      if (kept !== undefined) return [name, kept];
      throw invalid(`Invalid input for parameter key ${name}. There is no previous value to use`);
    }),
  );
}

/** What is wrong with a template is the caller's affair, not a fault of the stand-in. */
function refusing<Answer>(resolve: () => Answer): Answer {
  try {
    return resolve();
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error));
  }
}

function described(stack: StoredStack): DescribedStack {
  const { id, name, status, reason, createdAtMs, updatedAtMs, outputs, made } = stack;
  return {
    ...{ id, name, status, createdAtMs, outputs },
    ...(reason !== undefined && { reason }),
    ...(updatedAtMs !== undefined && { updatedAtMs }),
    parameters: made?.parameters ?? {},
    capabilities: made?.wanted.capabilities ?? [],
    tags: made?.wanted.tags ?? {},
  };
}
