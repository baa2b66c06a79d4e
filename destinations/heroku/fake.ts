import { answer, type FakeReply, type FakeRequest } from "../fake.ts";

interface Release {
  readonly version: number;
  readonly vars: ReadonlyMap<string, string>;
  status: "pending" | "succeeded" | "failed";
}

/** One app: every change of its config makes a release, and dynos run the newest that succeeded. */
export class HerokuFake {
  readonly token = "heroku-FAKE-token";
  readonly vars = new Map<string, string>([["REKEY_ENVIRONMENT", "production"]]);
  readonly releases: Release[] = [];
  readonly #app: string;

  constructor(app: string) {
    this.#app = app;
    this.#release();
    this.finish();
  }

  put(name: string, text: string): void {
    this.vars.set(name, text);
    this.#release();
  }

  finish(status: Release["status"] = "succeeded"): void {
    for (const each of this.releases) if (each.status === "pending") each.status = status;
  }

  running(name: string): string | undefined {
    return this.releases.findLast(({ status }) => status === "succeeded")?.vars.get(name);
  }

  /** A new release with the config of the one before the newest. */
  rollBack(): void {
    const former = this.releases.filter(({ status }) => status === "succeeded").at(-2);
    if (former === undefined) return;
    this.vars.clear();
    for (const [name, text] of former.vars) this.vars.set(name, text);
    this.#release();
    this.finish();
  }

  handle({ method, path, headers, body }: FakeRequest): FakeReply {
    if (headers["authorization"] !== `Bearer ${this.token}`) return answer(401);
    if (path === `/apps/${this.#app}`) return answer(200, { id: this.#app });
    if (path === `/apps/${this.#app}/releases`) {
      const newest = this.releases.slice(-1).map(({ version, status }) => ({ version, status }));
      return answer(206, newest);
    }
    if (path !== `/apps/${this.#app}/config-vars`) return answer(404);
    if (method === "PATCH") {
      for (const [name, text] of Object.entries(body as Record<string, string>)) this.vars.set(name, text);
      this.#release();
    }
    return answer(200, Object.fromEntries(this.vars));
  }

  #release(): void {
    const made = { version: this.releases.length + 1, vars: new Map(this.vars), status: "pending" as const };
    this.releases.push(made);
  }
}
