import { randomUUID } from "node:crypto";
import type { Input } from "../input.ts";
import { invalid, page } from "../input.ts";
import { loadMachine, type Machine, MachineInvalid } from "../machine.ts";
import { AwsError } from "../service.ts";

export interface GivenMachine {
  readonly definition: unknown;
  readonly substitutions?: Readonly<Record<string, string>>;
  readonly arn: string;
  /** The role that its tasks are done under. */
  readonly roleArn?: string;
}

export interface StoredMachine {
  readonly name: string;
  readonly arn: string;
  readonly machine: Machine;
  /** As DescribeStateMachine answers it. */
  readonly definition: string;
  readonly roleArn: string;
  readonly createdAt: number;
  readonly revisionId: string;
}

const definitionBytesMax = 1024 * 1024;
const machinesMax = 10_000;

/** The state machines of one account and Region. */
export class Machines {
  readonly #stored = new Map<string, StoredMachine>();
  readonly #arnPrefix: string;
  readonly #account: string;

  constructor(
    given: Readonly<Record<string, GivenMachine>>,
    { region, account }: { region: string; account: string },
  ) {
    this.#arnPrefix = `arn:aws:states:${region}:${account}:stateMachine:`;
    this.#account = account;
    for (const [name, machine] of Object.entries(given)) this.deploy(name, machine);
  }

  deploy(name: string, { definition, substitutions, arn, roleArn }: GivenMachine): void {
    const machine = loadMachine(definition, substitutions);
    this.#stored.set(arn, {
      ...{ name, arn, machine, definition: JSON.stringify(machine.definition) },
      roleArn: roleArn ?? `arn:aws:iam::${this.#account}:role/${name}`,
      revisionId: randomUUID(),
      createdAt: this.#stored.get(arn)?.createdAt ?? Date.now(),
    });
  }

  /** By ARN; a version or alias at its end leads to the only definition there is. */
  find(arn: string): StoredMachine {
    if (!/^arn:[^:]+:states:[^:]+:\d{12}:stateMachine:[^:]+(:[^:]+)?$/.test(arn)) {
      throw new AwsError("InvalidArn", `Invalid Arn: '${arn}'`);
    }
    const stored = this.#stored.get(arn.split(":").slice(0, 7).join(":"));
    if (!stored) throw new AwsError("StateMachineDoesNotExist", `State Machine Does Not Exist: '${arn}'`);
    return stored;
  }

  create(input: Input): Record<string, unknown> {
    const name = input.text("name");
    if (!isName(name)) throw new AwsError("InvalidName", `Invalid Name: '${name}'`);
    const arn = `${this.#arnPrefix}${name}`;
    const definition = input.text("definition");
    const machine = load(definition);
    const known = this.#stored.get(arn);
    if (known && known.definition !== definition) {
      throw new AwsError("StateMachineAlreadyExists", `State Machine Already Exists: '${arn}'`);
    }
    if (this.#stored.size >= machinesMax) {
      throw new AwsError(
        "StateMachineLimitExceeded",
        "the maximum number of state machines has been reached",
      );
    }
    const stored = known ?? {
      name,
      arn,
      machine,
      definition,
      roleArn: input.text("roleArn"),
      revisionId: randomUUID(),
      createdAt: Date.now(),
    };
    this.#stored.set(arn, stored);
    return { stateMachineArn: arn, creationDate: stored.createdAt / 1000 };
  }

  update(input: Input): Record<string, unknown> {
    const stored = this.find(input.text("stateMachineArn"));
    if (!input.has("definition") && !input.has("roleArn")) {
      throw new AwsError(
        "MissingRequiredParameter",
        "Either the definition, the role ARN or both must be specified",
      );
    }
    const definition = input.optionalText("definition") ?? stored.definition;
    const roleArn = input.optionalText("roleArn") ?? stored.roleArn;
    const revisionId = randomUUID();
    this.#stored.set(stored.arn, { ...stored, definition, roleArn, revisionId, machine: load(definition) });
    return { updateDate: Date.now() / 1000, revisionId };
  }

  delete(input: Input): void {
    const arn = input.text("stateMachineArn");
    this.#stored.delete(arn);
  }

  describe(input: Input): Record<string, unknown> {
    const { name, arn, definition, roleArn, createdAt, revisionId } = this.find(
      input.text("stateMachineArn"),
    );
    return {
      stateMachineArn: arn,
      name,
      definition,
      roleArn,
      revisionId,
      loggingConfiguration: { level: "OFF", includeExecutionData: false },
      tracingConfiguration: { enabled: false },
      status: "ACTIVE",
      type: "STANDARD",
      creationDate: createdAt / 1000,
    };
  }

  list(input: Input): Record<string, unknown> {
    const size = pageSize(input);
    const { items, nextToken } = page([...this.#stored.values()], {
      token: input.optionalText("nextToken"),
      size,
    });
    const stateMachines = items.map(({ name, arn, createdAt }) => ({
      stateMachineArn: arn,
      name,
      type: "STANDARD",
      creationDate: createdAt / 1000,
    }));
    return { stateMachines, nextToken };
  }
}

function load(definition: string): Machine {
  if (Buffer.byteLength(definition) > definitionBytesMax) throw invalid("definition has at most 1 MiB");
  try {
    return loadMachine(JSON.parse(definition));
  } catch (error) {
    if (!(error instanceof MachineInvalid) && !(error instanceof SyntaxError)) throw error;
    throw new AwsError("InvalidDefinition", `Invalid State Machine Definition: '${error.message}'`);
  }
}

/** 1 to 80 characters, none of them white space, a control character or one that ARNs, paths and shells read. */
export function isName(name: string): boolean {
  return name.length >= 1 && name.length <= 80 && !/[\s<>{}[\]?*"#%\\^|~`$&,;:/\p{Cc}]/u.test(name);
}

/** maxResults of 0 asks for the default. */
export function pageSize(input: Input): number {
  const size = input.integer("maxResults", 0);
  if (size < 0 || size > 1000) throw invalid("maxResults is between 0 and 1000");
  return size === 0 ? 100 : size;
}
