import { answer, dated, type FakeReply, type FakeRequest, matched } from "../fake.ts";

interface Machine {
  readonly id: string;
  state: string;
  startedAtMs: number;
  /** What it was given when it started. */
  given: ReadonlyMap<string, string>;
  isRestarting: boolean;
}

/** One app with its secrets and machines; a restart takes until `finish`. */
export class FlyFake {
  readonly token = "fly-FAKE-token";
  environment = "production";
  readonly secrets = new Map<string, { readonly text: string; readonly updatedAtMs: number }>();
  readonly machines: Machine[] = [];
  /** The machines that were told to restart, in order. */
  readonly restarts: string[] = [];
  readonly #place: { readonly app: string; readonly organization: string };
  readonly #now: () => number;

  constructor(place: { app: string; organization: string }, now: () => number) {
    this.#place = place;
    this.#now = now;
    for (const id of ["m1", "m2"])
      this.machines.push({
        id,
        state: "started",
        startedAtMs: now() - 1,
        given: new Map(),
        isRestarting: false,
      });
  }

  put(name: string, text: string): void {
    this.secrets.set(name, { text, updatedAtMs: this.#now() });
  }

  start(): void {
    for (const machine of this.machines) this.#start(machine);
  }

  finish({ fails = false }: { readonly fails?: boolean } = {}): void {
    for (const machine of this.machines.filter(({ isRestarting }) => isRestarting)) {
      machine.isRestarting = false;
      if (fails) machine.state = "failed";
      else this.#start(machine);
    }
  }

  #start(machine: Machine): void {
    const given = new Map([...this.secrets].map(([name, { text }]) => [name, text]));
    Object.assign(machine, { state: "started", startedAtMs: this.#now(), given });
  }

  handle(request: FakeRequest): FakeReply {
    return dated(this.#answer(request), this.#now());
  }

  #answer({ method, path, headers, body }: FakeRequest): FakeReply {
    if (headers["authorization"] !== `Bearer ${this.token}`) return answer(401);
    const { app, organization } = this.#place;
    const root = `/v1/apps/${app}`;
    if (path === root) return answer(200, { name: app, organization: { slug: organization } });
    if (path === `${root}/machines`)
      return answer(
        200,
        this.machines.map((each) => this.#shown(each)),
      );
    if (path === `${root}/secrets`) return answer(200, { secrets: this.#digests() });
    const [id = ""] = matched(new RegExp(`^${root}/machines/(\\w+)/restart$`), path) ?? [];
    const machine = this.machines.find((each) => each.id === id);
    if (machine !== undefined) {
      machine.isRestarting = true;
      this.restarts.push(id);
      return answer(200, { ok: true });
    }
    const [name = ""] = matched(new RegExp(`^${root}/secrets/(\\w+)$`), path) ?? [];
    if (name === "" || method !== "POST") return answer(404);
    this.put(name, (body as { value: string }).value);
    return answer(200, { version: 1 });
  }

  #digests() {
    return [...this.secrets].map(([name, { text, updatedAtMs }]) => ({
      name,
      digest: `digest-${text.length}-${[...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 99_991, 7)}`,
      updated_at: new Date(updatedAtMs).toISOString(),
    }));
  }

  #shown({ id, state, startedAtMs, isRestarting }: Machine) {
    return {
      ...{ id, state: isRestarting ? "restarting" : state },
      config: { env: { REKEY_ENVIRONMENT: this.environment } },
      events: [{ type: "start", timestamp: startedAtMs }],
    };
  }
}
