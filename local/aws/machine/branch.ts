import { ExecutionError, type StateMachine } from "aws-local-stepfunctions";
import type { Attempt, Attempts } from "./attempts.ts";
import { closedFailure, StateFailure, tooMuchData } from "./failure.ts";
import type { History, NewEvent } from "./history.ts";
import {
  concurrencyDefault,
  type JSONValue,
  type Program,
  type State,
  timeoutSecondsMax,
} from "./program.ts";

type EngineEvents = ReturnType<StateMachine["run"]>["eventLogs"];
type EngineEvent = EngineEvents extends AsyncGenerator<infer Event> ? Event : never;

/** What every branch of one execution shares. */
export interface Shared {
  readonly history: History;
  readonly attempts: Attempts;
  /** The members of the context object that are the same in every state. */
  readonly context: Readonly<Record<string, unknown>>;
  newToken(): string;
}

/** Where the machine's own chain of states stands: what a redrive resumes at. */
export interface Position {
  readonly state: string;
  readonly input: JSONValue;
}

interface BranchOptions {
  readonly shared: Shared;
  readonly program: Program;
  readonly input: JSONValue;
  readonly previousId: number;
  readonly startAt?: string;
  readonly mapItem?: { readonly Index: number; readonly Value: JSONValue };
}

interface Together {
  readonly name: string;
  readonly kind: "Parallel" | "Map";
  /** How many run at a time. */
  readonly concurrency: number;
  readonly takesDataLimit: boolean;
}

/** What `program.ts` packs around a state's parameters. */
interface Envelope {
  readonly parameters: JSONValue;
  readonly timeoutSeconds?: JSONValue;
  readonly items?: JSONValue;
  readonly maxConcurrency?: JSONValue;
}

/** One chain of states as the engine runs it: the whole machine, one Parallel branch or one Map iteration. */
export class Branch {
  readonly #options: BranchOptions;
  readonly #children = new Set<Branch>();
  #alive = true;
  #abort: () => void = () => undefined;
  #attempt: Attempt | undefined;
  #token: string | undefined;
  #position: Position | undefined;
  #lastEventId: number;
  /** The engine calls a handler before it reports that the state was entered; calls wait until the report is in. */
  #openingsSeen = 0;
  #calls = 0;
  #onOpening: () => void = () => undefined;
  /** Of a state whose output is too large: no state runs after it. */
  #excess: StateFailure | undefined;

  constructor(options: BranchOptions) {
    this.#options = options;
    this.#lastEventId = options.previousId;
  }

  get position(): Position | undefined {
    return this.#position;
  }

  get lastEventId(): number {
    return this.#lastEventId;
  }

  /** Runs to the end; rejects with the error that no Retry or Catch took. */
  async run(): Promise<JSONValue> {
    const { program, input, startAt } = this.#options;
    if (!this.#alive) throw closedFailure();
    const handlers = [...program.states].map(([name, state]) => [
      name,
      (envelope: unknown) => this.#enter({ name, state }, envelope as Envelope),
    ]);
    const run = program.engine(startAt).run(input, {
      overrides: { taskResourceLocalHandlers: Object.fromEntries(handlers) },
      context: this.#context(),
    });
    this.#abort = run.abort;
    const followed = this.#follow(run.eventLogs);
    try {
      const output = await run.result;
      await followed;
      if (this.#excess !== undefined) throw this.#excess;
      return output;
    } catch (error) {
      await followed;
      throw this.#excess ?? (error instanceof ExecutionError ? error.cause : error);
    }
  }

  /** Ends waits and refuses further calls, here and in every branch below. */
  close(): void {
    if (!this.#alive) return;
    this.#alive = false;
    for (const child of this.#children) child.close();
    this.#attempt?.close(closedFailure());
    this.#abort();
  }

  #context(): Record<string, unknown> {
    const { shared, program, mapItem } = this.#options;
    const takeToken = () => {
      this.#token ??= shared.newToken();
      return this.#token;
    };
    const entered = (name: string) => ({
      Name: name,
      get EnteredTime() {
        return new Date().toISOString();
      },
    });
    return {
      ...shared.context,
      ...(mapItem ? { Map: { Item: mapItem } } : {}),
      States: [...program.states.keys()].map(entered),
      Task: {
        get Token() {
          return takeToken();
        },
      },
    };
  }

  /** Called by the engine in the same turn in which it evaluated the parameters: their token is this attempt's. */
  #enter(entered: { name: string; state: State }, envelope: Envelope): Promise<JSONValue> {
    const token = this.#token;
    this.#token = undefined;
    const work = this.#work(entered, { envelope, token });
    work.catch(() => undefined); // the engine forgets the promise when the state's timeout is no number
    return work;
  }

  async #work(
    { name, state }: { name: string; state: State },
    { envelope, token }: { envelope: Envelope; token: string | undefined },
  ): Promise<JSONValue> {
    this.#calls += 1;
    await this.#openingReported(this.#calls);
    if (!this.#alive) throw closedFailure();
    if (state.kind === "Parallel") return this.#parallel(name, { ...state, envelope });
    if (state.kind === "Map") return this.#map(name, { ...state, envelope });
    if (state.kind !== "Task") throw closedFailure();

    const timeoutMs = timeoutMsOf(envelope.timeoutSeconds);
    this.#attempt = this.#options.shared.attempts.start({
      state: name,
      resource: state.resource,
      parameters: envelope.parameters,
      ...{ token, timeoutMs, takesDataLimit: state.takesDataLimit },
      onEvent: (event) => this.#add({ ...event, state: name }),
    });
    return this.#attempt.result;
  }

  async #parallel(
    name: string,
    {
      branches,
      takesDataLimit,
      envelope,
    }: { branches: readonly Program[]; takesDataLimit: boolean; envelope: Envelope },
  ) {
    this.#add({ type: "ParallelStateStarted", state: name });
    const children = branches.map(
      (program) => () => this.#child({ program, input: envelope.parameters }).run(),
    );
    return this.#together({ name, kind: "Parallel", concurrency: children.length, takesDataLimit }, children);
  }

  async #map(
    name: string,
    {
      iteration,
      selector,
      takesDataLimit,
      envelope,
    }: {
      iteration: Program;
      selector: Program | undefined;
      takesDataLimit: boolean;
      envelope: Envelope;
    },
  ) {
    const { items, parameters, maxConcurrency } = envelope;
    if (!Array.isArray(items)) {
      throw new StateFailure("States.Runtime", "ItemsPath does not lead to an array", { terminal: true });
    }
    this.#add({ type: "MapStateStarted", state: name, detail: { length: items.length } });
    const children = items.map((Value, Index) => async () => {
      const mapItem = { Index, Value };
      const input = selector ? await select(selector, { parameters, mapItem }) : Value;
      return this.#iterate(name, this.#child({ program: iteration, input, mapItem }), Index);
    });
    const concurrency =
      typeof maxConcurrency === "number" && maxConcurrency > 0 ? maxConcurrency : concurrencyDefault;
    return this.#together({ name, kind: "Map", concurrency, takesDataLimit }, children);
  }

  async #iterate(state: string, child: Branch, index: number): Promise<JSONValue> {
    const detail = { name: state, index };
    child.#add({ type: "MapIterationStarted", state, detail });
    try {
      const output = await child.run();
      child.#add({ type: "MapIterationSucceeded", state, detail });
      return output;
    } catch (error) {
      child.#add({ type: child.#alive ? "MapIterationFailed" : "MapIterationAborted", state, detail });
      throw error;
    }
  }

  /** Runs all, at most `concurrency` at a time; the first failure ends the others, as on AWS. */
  async #together(
    { name, kind, concurrency, takesDataLimit }: Together,
    children: readonly (() => Promise<JSONValue>)[],
  ): Promise<JSONValue> {
    const outputs: JSONValue[] = [];
    const waiting = children.entries();
    let failed = false;
    const lane = async () => {
      for (const [index, child] of waiting) {
        if (failed || !this.#alive) return;
        outputs[index] = await child();
      }
    };
    try {
      await Promise.all(Array.from({ length: Math.min(concurrency, children.length) }, lane));
      const excess = tooMuchData(JSON.stringify(outputs), { state: name, isTaken: takesDataLimit });
      if (excess !== undefined) throw excess;
    } catch (error) {
      failed = true;
      for (const child of this.#children) child.close();
      if (!this.#alive) throw closedFailure();
      const { name: failure, message } = error instanceof Error ? error : new Error(String(error));
      this.#add({ type: `${kind}StateFailed`, state: name, detail: { error: failure, cause: message } });
      throw error;
    } finally {
      this.#children.clear();
    }
    this.#add({ type: `${kind}StateSucceeded`, state: name });
    return outputs;
  }

  #child(options: Pick<BranchOptions, "program" | "input" | "mapItem">): Branch {
    const child = new Branch({ ...options, shared: this.#options.shared, previousId: this.#lastEventId });
    this.#children.add(child);
    return child;
  }

  #add(event: NewEvent): void {
    this.#lastEventId = this.#options.shared.history.add(event, this.#lastEventId);
  }

  async #openingReported(call: number): Promise<void> {
    if (this.#openingsSeen >= call) return;
    await new Promise<void>((resolve) => {
      this.#onOpening = resolve;
    });
  }

  async #follow(events: EngineEvents): Promise<void> {
    for await (const event of events) this.#note(event);
    this.#openingsSeen = Number.POSITIVE_INFINITY;
    this.#onOpening();
  }

  #note(event: EngineEvent): void {
    if (!("state" in event)) return;
    const { name, input, output } = event.state;
    const kind = this.#options.program.states.get(name)?.kind;
    if (event.type === "StateEntered") {
      this.#position = { state: name, input };
      this.#add({ type: `${kind}StateEntered`, state: name, detail: { name, input } });
    }
    if (event.type === "StateExited") {
      const excess = tooMuchData(JSON.stringify(output), { state: name, isTaken: false });
      if (excess !== undefined) {
        this.#excess ??= excess;
        this.close();
        return;
      }
      this.#add({ type: `${kind}StateExited`, state: name, detail: { name, output } });
    }
    const opens = event.type === "StateEntered" || event.type === "StateRetried";
    if (opens && (kind === "Task" || kind === "Parallel" || kind === "Map")) {
      this.#openingsSeen += 1;
      this.#onOpening();
    }
  }
}

/** Lets the engine evaluate a Map's ItemSelector for one item. */
function select(
  selector: Program,
  { parameters, mapItem }: { parameters: JSONValue; mapItem: { Index: number; Value: JSONValue } },
): Promise<JSONValue> {
  return selector.engine().run(parameters, { context: { Map: { Item: mapItem } } }).result;
}

function timeoutMsOf(seconds: JSONValue | undefined): number | undefined {
  if (seconds === undefined) return undefined;
  if (
    typeof seconds === "number" &&
    Number.isInteger(seconds) &&
    seconds >= 1 &&
    seconds <= timeoutSecondsMax
  )
    return seconds * 1000;
  const cause = `TimeoutSecondsPath leads to ${JSON.stringify(seconds)}, which is no whole number of seconds up to ${timeoutSecondsMax}`;
  throw new StateFailure("States.Runtime", cause, { terminal: true });
}
