import type { Platform } from "../../../consumers/ports.ts";
import type { VersionId } from "../../../core/ports.ts";
import type { PlannedFleet } from "../plan/orders-plan.ts";
import type { Instance } from "./consumer.ts";

interface Running {
  /** Starts one instance that reads this version; undefined: the current one. */
  start(readsVersion: VersionId | undefined): Promise<Instance>;
  currentVersion(): VersionId;
}

export const fleetLooksEveryMs = 500;

/** A workload that a platform restarts some time after its secret has another version, as Reloader does. */
export class Fleet implements Platform {
  readonly kind = "kubernetes";
  readonly #planned: PlannedFleet;
  readonly #running: Running;
  readonly #pinnedTo: VersionId;
  #reads: PlannedFleet["reads"];
  #startedOn: VersionId;
  #changedAtMs: number | undefined;
  #instances: readonly Instance[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(planned: PlannedFleet, running: Running) {
    this.#planned = planned;
    this.#running = running;
    this.#reads = planned.reads;
    this.#pinnedTo = this.#startedOn = running.currentVersion();
    this.#timer = setInterval(() => this.#look(), fleetLooksEveryMs);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  /** The former instances end at once; what cannot start, such as on a version that is gone, does not run. */
  async restart(): Promise<void> {
    this.#startedOn = this.#running.currentVersion();
    this.#changedAtMs = undefined;
    for (const each of this.#instances) each.stop({ silently: true });
    this.#instances = [];
    const readsVersion = this.#reads === "pinned" ? this.#pinnedTo : undefined;
    const starts = Array.from({ length: this.#planned.instances }, () => this.#running.start(readsVersion));
    const started = await Promise.allSettled(starts);
    this.#instances = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  }

  /** Somebody takes the version out of the definition. */
  async heal(): Promise<void> {
    this.#reads = "current";
    await this.restart();
  }

  #look(): void {
    if (this.#running.currentVersion() === this.#startedOn) return;
    this.#changedAtMs ??= Date.now();
    if (Date.now() - this.#changedAtMs >= this.#planned.restartAfterMs) this.restart().catch(() => undefined);
  }

  get #ids(): readonly string[] {
    return this.#instances.filter(({ isStopped }) => !isStopped).map(({ id }) => id);
  }

  async marks(): Promise<readonly string[]> {
    return this.#ids;
  }

  async look({ note }: Parameters<Platform["look"]>[0]): ReturnType<Platform["look"]> {
    const now = this.#ids;
    const left = note.before.filter((id) => now.includes(id));
    const progress = left.length > 0 ? "untouched" : "replaced";
    return { progress, instances: now.length, detail: `${left.length} of ${note.before.length} are left` };
  }

  async wiring(): ReturnType<Platform["wiring"]> {
    return { reads: this.#reads, detail: `its definition names ${this.#reads}` };
  }
}
