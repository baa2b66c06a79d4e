import type { JSONValue } from "./program.ts";

/** One line of an execution's history; `type` and the members of `detail` are AWS's, with JSON values unserialized. */
export interface HistoryEvent {
  readonly id: number;
  /** The event this one follows in its own branch; 0 for the first. */
  readonly previousId: number;
  readonly type: string;
  /** In ms. */
  readonly timestamp: number;
  readonly state?: string;
  readonly detail?: Readonly<Record<string, JSONValue>>;
}

export interface NewEvent {
  readonly type: string;
  readonly state?: string;
  readonly detail?: Readonly<Record<string, JSONValue | undefined>>;
}

/** On AWS an execution fails when its history is full. */
export const historyEventsMax = 25_000;

export interface HistoryOptions {
  /** The last event of the history that this one continues. */
  readonly lastId?: number;
  onEvent(event: HistoryEvent): void;
  /** Called once, when there is room for the closing event only. */
  onFull(): void;
}

/** Numbers the events of one execution and keeps no copy of them. */
export class History {
  readonly #options: HistoryOptions;
  #lastId: number;
  #closed = false;

  constructor(options: HistoryOptions) {
    this.#options = options;
    this.#lastId = options.lastId ?? 0;
  }

  /** Adds an event after `previousId` and answers its id; a closed history answers `previousId`. */
  add(event: NewEvent, previousId: number): number {
    if (this.#closed) return previousId;
    const id = this.#write(event, previousId);
    if (id === historyEventsMax - 1) this.#options.onFull();
    return id;
  }

  get lastId(): number {
    return this.#lastId;
  }

  /** Adds the last event. */
  close(event: NewEvent): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#write(event, this.#lastId);
  }

  #write({ type, state, detail }: NewEvent, previousId: number): number {
    this.#lastId += 1;
    const known = Object.entries(detail ?? {}).filter(
      (entry): entry is [string, JSONValue] => entry[1] !== undefined,
    );
    this.#options.onEvent({
      id: this.#lastId,
      previousId,
      type,
      timestamp: Date.now(),
      ...(state === undefined ? {} : { state }),
      ...(detail === undefined ? {} : { detail: Object.fromEntries(known) }),
    });
    return this.#lastId;
  }
}
