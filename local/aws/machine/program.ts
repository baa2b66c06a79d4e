import validate from "asl-validator";
import { StateMachine, type StateMachineDefinition } from "aws-local-stepfunctions";
import { takesDataLimit } from "./failure.ts";

export type JSONValue = null | boolean | number | string | JSONValue[] | { [key: string]: JSONValue };
type JSONObject = { [key: string]: JSONValue };

/** One machine, checked and made ready to run; the same value serves any number of executions. */
export interface Machine {
  /** With its substitutions made, otherwise as it was given. */
  readonly definition: JSONObject;
  readonly program: Program;
  /** Every Task state, also those inside branches and iterations. */
  readonly tasks: readonly TaskState[];
  readonly timeoutSeconds: number | undefined;
}

export interface TaskState {
  readonly kind: "Task";
  readonly name: string;
  readonly resource: string;
  /** Whether it catches States.DataLimitExceeded by its name. */
  readonly takesDataLimit: boolean;
}

/** One chain of states that the engine runs: the machine itself, a Parallel branch or a Map iteration. */
export interface Program {
  readonly states: ReadonlyMap<string, State>;
  /** The engine, entering at `startAt` or, without it, where the definition says. */
  engine(startAt?: string): StateMachine;
}

export type State =
  | TaskState
  | { readonly kind: "Parallel"; readonly branches: readonly Program[]; readonly takesDataLimit: boolean }
  | {
      readonly kind: "Map";
      readonly iteration: Program;
      readonly selector: Program | undefined;
      readonly takesDataLimit: boolean;
    }
  | { readonly kind: "Choice" | "Fail" | "Pass" | "Succeed" | "Wait" };

/** Timers hold at most 2^31 ms; a longer timeout would fire at once. */
export const timeoutSecondsMax = 2_000_000;
/** As many iterations of one Map run side by side when the definition names no limit. */
export const concurrencyDefault = 40;

const machinesCachedMax = 100;
const machines = new Map<string, Machine>();

/** Fields that the engine would silently ignore: a machine with one of them must not seem to work. */
const unsupported = [
  "Assign",
  "Arguments",
  "Output",
  "HeartbeatSeconds",
  "HeartbeatSecondsPath",
  "ItemReader",
  "ItemBatcher",
  "ResultWriter",
  "ToleratedFailureCount",
  "ToleratedFailureCountPath",
  "ToleratedFailurePercentage",
  "ToleratedFailurePercentagePath",
];

export class MachineInvalid extends Error {
  override readonly name = "MachineInvalid";
}

/**
 * Makes a machine of an Amazon States Language definition, replacing `${Name}` in its strings when
 * `substitutions` is given. Throws MachineInvalid. Equal definitions give the same machine. `isChecked`: its grammar is
 * not validated again, which takes longer than many executions.
 */
export function loadMachine(
  definition: unknown,
  substitutions?: Readonly<Record<string, string>>,
  { isChecked = false }: { readonly isChecked?: boolean } = {},
): Machine {
  const text = JSON.stringify(definition);
  if (text === undefined) throw new MachineInvalid("a definition is a JSON object");
  const resolved =
    substitutions === undefined ? text : JSON.stringify(substitute(JSON.parse(text), substitutions));
  const known = machines.get(resolved);
  if (known) return known;

  const machine = build(resolved, { isChecked });
  const oldest = machines.keys().next();
  if (machines.size >= machinesCachedMax && !oldest.done) machines.delete(oldest.value);
  machines.set(resolved, machine);
  return machine;
}

function build(text: string, { isChecked }: { readonly isChecked: boolean }): Machine {
  const definition: unknown = JSON.parse(text);
  if (!isObject(definition)) throw new MachineInvalid("a definition is a JSON object");
  if (!isChecked) assertValid(text);

  const tasks: TaskState[] = [];
  const program = compile(definition, tasks);
  const timeoutSeconds = definition["TimeoutSeconds"];
  return {
    definition,
    program,
    tasks,
    timeoutSeconds:
      typeof timeoutSeconds === "number" ? Math.min(timeoutSeconds, timeoutSecondsMax) : undefined,
  };
}

function assertValid(text: string): void {
  const verdict = validate(JSON.parse(text), { checkArn: true, checkPaths: true });
  if (!verdict.isValid) throw new MachineInvalid(verdict.errorsText("\n"));
}

function substitute(value: JSONValue, substitutions: Readonly<Record<string, string>>): JSONValue {
  if (typeof value === "string") {
    return value.replace(/\$\{([^}]+)\}/g, (_, name: string) => {
      const replacement = Object.hasOwn(substitutions, name) ? substitutions[name] : undefined;
      if (replacement === undefined) throw new MachineInvalid(`no substitution for \${${name}}`);
      return replacement;
    });
  }
  return mapValues(value, (inner) => substitute(inner, substitutions));
}

/**
 * Prepares one chain of states. The engine would run a Parallel or a Map as one of its own states, but it
 * neither ends the siblings of a failed branch nor tells the branches apart. So both become tasks that the
 * execution carries out.
 */
function compile(definition: JSONObject, tasks: TaskState[]): Program {
  refuseUnsupported(definition, "the machine");
  const given = definition["States"];
  if (!isObject(given)) throw new MachineInvalid("States is an object");
  const states = new Map<string, State>();
  const rewritten: JSONObject = {};
  for (const [index, [name, state]] of Object.entries(given).entries()) {
    if (!isObject(state)) throw new MachineInvalid(`${name} is an object`);
    refuseUnsupported(state, name);
    states.set(name, stateOf({ name, state }, tasks));
    rewritten[name] = withContextPaths(rewrite(state), index);
  }
  return {
    states,
    engine: (startAt) =>
      new StateMachine(
        { StartAt: startAt ?? definition["StartAt"], States: rewritten } as unknown as StateMachineDefinition,
        { validationOptions: { noValidate: true } },
      ),
  };
}

function refuseUnsupported(fields: JSONObject, where: string): void {
  const found = unsupported.find((field) => field in fields);
  if (found) throw new MachineInvalid(`${where}: ${found} does not work here`);
  const retries = Object.values(fields).find((value) =>
    JSON.stringify(value)?.includes("$$.State.RetryCount"),
  );
  if (fields["Type"] !== undefined && retries !== undefined)
    throw new MachineInvalid(`${where}: $$.State.RetryCount does not work here`);
  const computed = ["ErrorPath", "CausePath"].find((name) => String(fields[name]).startsWith("States."));
  if (computed)
    throw new MachineInvalid(`${where}: ${computed} with an intrinsic function does not work here`);
  if ((fields["QueryLanguage"] ?? "JSONPath") !== "JSONPath") {
    throw new MachineInvalid(`${where}: only the query language JSONPath works here`);
  }
}

function stateOf({ name, state }: { name: string; state: JSONObject }, tasks: TaskState[]): State {
  const kind = String(state["Type"]);
  const isTaken = takesDataLimit(state["Catch"]);
  switch (kind) {
    case "Task": {
      refuseTaskFailedAlone(state, name);
      const task: TaskState = { kind, name, resource: resourceOf(state, name), takesDataLimit: isTaken };
      tasks.push(task);
      return task;
    }
    case "Parallel":
      return {
        ...{ kind, takesDataLimit: isTaken },
        branches: objects(state["Branches"]).map((branch) => compile(branch, tasks)),
      };
    case "Map":
      refuseDistributed(state, name);
      return { kind, takesDataLimit: isTaken, ...iterationOf(state, tasks) };
    case "Choice":
    case "Fail":
    case "Pass":
    case "Succeed":
    case "Wait":
      return { kind };
    default:
      throw new MachineInvalid(`${name}: ${kind} is no type of state`);
  }
}

/** On AWS, States.TaskFailed takes every error of a task but its timeout; the engine cannot tell that one apart. */
function refuseTaskFailedAlone({ Retry, Catch }: JSONObject, name: string): void {
  const alone = objects([Retry ?? [], Catch ?? []].flat()).some(({ ErrorEquals }) => {
    const errors = [ErrorEquals ?? []].flat();
    return errors.includes("States.TaskFailed") && !errors.includes("States.Timeout");
  });
  if (alone)
    throw new MachineInvalid(
      `${name}: States.TaskFailed without States.Timeout beside it does not work here`,
    );
}

/** A task that waits for another execution would be started here and not waited for. */
function resourceOf(state: JSONObject, name: string): string {
  const resource = String(state["Resource"]);
  const [isSync] = /\.sync(:2)?$/.exec(resource) ?? [];
  if (isSync === undefined) return resource;
  throw new MachineInvalid(`${name}: a Task that ends in ${isSync} does not work here`);
}

function refuseDistributed({ ItemProcessor }: JSONObject, name: string): void {
  const [processor = {}] = objects([ItemProcessor ?? null]);
  const [config = {}] = objects([processor["ProcessorConfig"] ?? null]);
  if ((config["Mode"] ?? "INLINE") === "INLINE") return;
  throw new MachineInvalid(`${name}: a Map of the mode ${config["Mode"]} does not work here`);
}

function iterationOf(
  state: JSONObject,
  tasks: TaskState[],
): { iteration: Program; selector: Program | undefined } {
  const [iterator] = objects([state["ItemProcessor"] ?? state["Iterator"] ?? null]);
  if (!iterator) throw new MachineInvalid("a Map has an ItemProcessor");
  const template = state["ItemSelector"] ?? state["Parameters"];
  const select = { Type: "Pass", End: true, Parameters: template ?? null };
  return {
    iteration: compile(iterator, tasks),
    selector:
      template === undefined ? undefined : compile({ StartAt: "Select", States: { Select: select } }, []),
  };
}

/** The state as it is given to the engine. What the execution needs to know is added to its parameters. */
function rewrite(state: JSONObject): JSONObject {
  switch (state["Type"]) {
    case "Task":
      return rewriteTask(state);
    case "Parallel": {
      const { Branches, ...rest } = state;
      return { ...rest, ...asTask, Parameters: effectiveInput(state) };
    }
    case "Map":
      return rewriteMap(state);
    case "Pass":
      // The engine ignores a Result of false, 0, null or "".
      return "Result" in state && !state["Result"]
        ? { ...state, Parameters: state["Result"] ?? null }
        : state;
    default:
      return state;
  }
}

const asTask = { Type: "Task", Resource: "arn:aws:states:::local", TimeoutSeconds: timeoutSecondsMax };

/**
 * The attempt ends itself when its time is over: the engine would give the failure a Cause, which on AWS is empty, and
 * read TimeoutSecondsPath from what Parameters made of the state's input.
 */
function rewriteTask({ TimeoutSecondsPath, TimeoutSeconds, ...state }: JSONObject): JSONObject {
  return {
    ...state,
    Parameters: {
      ...effectiveInput(state),
      ...(typeof TimeoutSecondsPath === "string" && { "timeoutSeconds.$": TimeoutSecondsPath }),
      ...(typeof TimeoutSeconds === "number" && {
        timeoutSeconds: Math.min(TimeoutSeconds, timeoutSecondsMax),
      }),
    },
    TimeoutSeconds: timeoutSecondsMax,
  };
}

function rewriteMap(state: JSONObject): JSONObject {
  const { ItemProcessor, Iterator, ItemSelector, ItemsPath, MaxConcurrency, MaxConcurrencyPath, ...rest } =
    state;
  const limit: JSONObject =
    typeof MaxConcurrencyPath === "string"
      ? { "maxConcurrency.$": MaxConcurrencyPath }
      : { maxConcurrency: MaxConcurrency ?? 0 };
  return { ...rest, ...asTask, Parameters: { "items.$": ItemsPath ?? "$", "parameters.$": "$", ...limit } };
}

function effectiveInput(state: JSONObject): JSONObject {
  return state["Parameters"] === undefined ? { "parameters.$": "$" } : { parameters: state["Parameters"] };
}

/**
 * The engine overwrites `$$.Execution` in every branch and knows no `$$.State`, so these paths lead to members
 * that the execution supplies.
 */
function withContextPaths(state: JSONObject, index: number): JSONObject {
  const redirect = (value: JSONValue, key: string): JSONValue => {
    if (typeof value !== "string") return mapValues(value, redirect);
    if (!/(\.\$|Path|^Variable)$/.test(key)) return value;
    return value
      .replace(/\$\$\.Execution\b/g, () => "$$.Run")
      .replace(/\$\$\.State\b/g, () => `$$.States[${index}]`);
  };
  return Object.fromEntries(Object.entries(state).map(([key, value]) => [key, redirect(value, key)]));
}

function mapValues(value: JSONValue, change: (inner: JSONValue, key: string) => JSONValue): JSONValue {
  if (Array.isArray(value)) return value.map((inner) => change(inner, ""));
  if (!isObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, change(inner, key)]));
}

function objects(value: JSONValue | undefined): JSONObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function isObject(value: unknown): value is JSONObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
