import { setTimeout as pause } from "node:timers/promises";
import type { KeyVersion } from "../client/consumer-report.ts";
import { ignore } from "../client/errors.ts";
import type { HeldKey } from "./held-key.ts";
import type { Permits } from "./permit.ts";
import { type Ended, type Program, remaining, stopProgram } from "./program.ts";
import type { ExecSettings } from "./settings.ts";

export interface Parts {
  settings: ExecSettings;
  key: HeldKey;
  permits: Permits;
  /** Puts the newest key where the command finds it. */
  place(): void;
  /** Starts the command with the newest key. */
  start(): Promise<Program>;
  isReady(maxMs: number, signal: AbortSignal): Promise<boolean>;
  log(text: string): void;
}

const ending: readonly NodeJS.Signals[] = ["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"];
/** How often to look for what an earlier start left behind, and for new members of this one. */
const lookEveryMs = 2_000;
/** EX_TEMPFAIL: a supervisor may start it again, which fails as long as the secret cannot be read. */
const staleCode = 75;

/** Runs a command with a key, and again with the next one: one start after another, never two at a time. */
export class Supervisor {
  /** Settles when the command has ended for good. */
  readonly ended: Promise<Ended>;
  readonly #parts: Parts;
  /** Aborted when the command is to end, or has: no restart begins or goes on then. */
  readonly #over = new AbortController();
  /** Earlier starts of which something could not be ended. */
  readonly #stragglers: Program[] = [];
  #end: (result: Ended | Promise<Ended>) => void = ignore;
  /** What the command was started with last. */
  #version: KeyVersion;
  #program: Program | undefined;
  /** The start that is ended on purpose: its end is not the command's. */
  #stopped: Program | undefined;
  #isRenewing = false;
  #confirming: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#version = parts.key.version();
    this.ended = new Promise((resolve) => {
      this.#end = resolve;
    });
  }

  async begin(): Promise<void> {
    const { key } = this.#parts;
    await this.#start();
    key.tell(this.#version, "started");
    key.onChange(() => void this.#renew());
    key.onStale(() => void this.#stopStale());
    // A process may leave its parent, group and session all at once: seen before that, it is still known.
    const looker = setInterval(() => this.#program?.processes?.look(), lookEveryMs);
    looker.unref();
    // The newest key may be newer than the one that was started with.
    void this.#renew();
  }

  /** Passes a signal on; one that asks for the end also ends a restart that is under way. */
  forward(signal: NodeJS.Signals): void {
    const program = this.#program;
    if (ending.includes(signal)) {
      this.#over.abort();
      // Between two starts no command runs that could get it.
      if (!program || program.hasEnded()) this.#end({ code: null, signal });
    }
    program?.signal(signal);
  }

  /** Pids of what the command left behind. */
  leftBehind(): readonly number[] {
    return [...(this.#program ? [this.#program] : []), ...this.#stragglers].flatMap(remaining);
  }

  /** Settles when nothing of a restart is under way any more. */
  async settled(): Promise<void> {
    await this.#confirming;
  }

  async #start(): Promise<void> {
    const { key, place, start } = this.#parts;
    place();
    this.#version = key.version();
    const program = await start();
    this.#program = program;
    program.ended.then((result) => {
      if (program === this.#stopped) return;
      this.#over.abort();
      this.#end(result);
    }, ignore);
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    const { key, settings } = this.#parts;
    const { signal } = this.#over;
    try {
      while (!signal.aborted && key.version().versionId !== this.#version.versionId) {
        if (settings.signal) this.#signalInstead(settings.signal);
        else await this.#restart();
      }
    } catch (error) {
      // When the command ends, every wait ends with an error, which says nothing new.
      if (!signal.aborted) this.#end(Promise.reject(error));
    } finally {
      this.#isRenewing = false;
    }
  }

  #signalInstead(signal: NodeJS.Signals): void {
    const { key, place, log } = this.#parts;
    place();
    this.#version = key.version();
    this.#program?.signal(signal);
    log(`replaced the key's file with version ${this.#version.versionId} and sent ${signal}`);
  }

  async #restart(): Promise<void> {
    const { key, permits, place, settings, log } = this.#parts;
    const { signal } = this.#over;
    const wanted = key.version();
    log(`version ${wanted.versionId} is there: asks whether this instance may restart`);
    await permits.ask(wanted, signal);
    signal.throwIfAborted();
    // If this fails, it had better fail while the command still runs.
    place();
    try {
      await this.#stop();
      if (signal.aborted) return;
      await this.#start();
    } catch (error) {
      await permits.giveBack(wanted, "failed");
      throw error;
    }
    const next = this.#version;
    log(`restarted with version ${next.versionId}`);
    this.#confirming = this.#confirm({ next, wanted }, settings.readyMaxMs);
  }

  async #stop(): Promise<void> {
    const { settings, log } = this.#parts;
    const before = this.#program;
    if (!before) return;
    this.#stopped = before;
    const pids = await stopProgram(before, settings);
    if (pids.length > 0) {
      this.#stragglers.push(before);
      log(`could not end ${pids.join(", ")}, which may still use the key before: that key is still reported`);
    }
    // Somebody asked for the end meanwhile: the restart goes no further than this.
    if (this.#over.signal.aborted) this.#end(before.hasEnded() ? before.ended : { code: 1, signal: null });
  }

  /**
   * Reports the version once the command works with it and nothing of an earlier start is left. `wanted` is what the
   * permit was asked for: a newer version may have come before the start.
   */
  async #confirm(
    { next, wanted }: { next: KeyVersion; wanted: KeyVersion },
    readyMaxMs: number,
  ): Promise<void> {
    const { permits, isReady, log } = this.#parts;
    const { signal } = this.#over;
    if (await isReady(readyMaxMs, signal)) {
      await permits.giveBack(wanted, "done");
      return this.#tellWhenAlone(next);
    }
    await permits.giveBack(wanted, "failed");
    if (signal.aborted) return;
    log("the command is not ready with its new key: it is not reported, so the key before is kept alive");
    while (!signal.aborted && this.#version === next) {
      if (await isReady(readyMaxMs, signal)) return this.#tellWhenAlone(next);
    }
  }

  async #tellWhenAlone(next: KeyVersion): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted && this.#version === next) {
      for (const one of [...this.#stragglers]) {
        if (remaining(one).length === 0) this.#stragglers.splice(this.#stragglers.indexOf(one), 1);
      }
      if (this.#stragglers.length === 0) return this.#parts.key.tell(next, "changed");
      await pause(lookEveryMs, undefined, { signal, ref: false }).catch(ignore);
    }
  }

  async #stopStale(): Promise<void> {
    const { settings, log } = this.#parts;
    const program = this.#program;
    if (settings.whenStale === "keep" || this.#over.signal.aborted || !program) return;
    log("stops the command: its key could not be confirmed for too long, and may be revoked by now");
    this.#over.abort();
    this.#stopped = program;
    await stopProgram(program, settings);
    this.#end({ code: staleCode, signal: null });
  }
}
