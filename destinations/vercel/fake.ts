import { answer, dated, type FakeReply, type FakeRequest, matched } from "../fake.ts";

interface Variable {
  readonly id: string;
  readonly key: string;
  value: string;
  type: string;
  target: string[];
  gitBranch?: string;
  updatedAt: number;
}

interface Deployment {
  readonly uid: string;
  readonly createdAt: number;
  readonly target: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readyState: string;
  /** What it was built with. */
  readonly built: ReadonlyMap<string, string>;
}

/** One project of Vercel: its variables, its deployments, and which of them serves a target. */
export class VercelFake {
  readonly token = "vercel-FAKE-token";
  readonly variables: Variable[] = [];
  readonly deployments: Deployment[] = [];
  readonly serving = new Map<string, Deployment>();
  isConnected = true;
  readonly #place: { readonly project: string; readonly team: string };
  readonly #now: () => number;
  #made = 0;

  constructor(place: { project: string; team: string }, now: () => number) {
    this.#place = place;
    this.#now = now;
  }

  put(
    key: string,
    value: string,
    fields: Partial<Pick<Variable, "target" | "type" | "gitBranch">> = {},
  ): void {
    const { target = ["production"], type = "encrypted", gitBranch } = fields;
    const known = this.variables.find((each) => each.key === key && each.target.join() === target.join());
    if (known !== undefined) Object.assign(known, { value, type, updatedAt: this.#tick() });
    else
      this.variables.push({
        ...{ id: `env_${++this.#made}`, key, value, type, target, updatedAt: this.#tick() },
        ...(gitBranch !== undefined && { gitBranch }),
      });
  }

  /** A build begins with the variables as they are now. */
  deploy(target = "production", meta: Readonly<Record<string, unknown>> = {}): Deployment {
    const built = new Map(
      this.variables.filter((each) => each.target.includes(target)).map(({ key, value }) => [key, value]),
    );
    const made = {
      ...{ uid: `dpl_${++this.#made}`, createdAt: this.#tick(), target, meta, built },
      readyState: "BUILDING",
    };
    this.deployments.unshift(made);
    return made;
  }

  finish(readyState = "READY"): void {
    for (const each of this.deployments.filter((one) => one.readyState === "BUILDING").reverse()) {
      each.readyState = readyState;
      if (readyState === "READY") this.serving.set(each.target, each);
    }
  }

  /** Somebody promotes an earlier deployment: nothing is built. */
  rollBack(target = "production"): void {
    const now = this.serving.get(target);
    const former = this.deployments.find(
      (each) =>
        each.target === target && each.readyState === "READY" && each.createdAt < (now?.createdAt ?? 0),
    );
    if (former !== undefined) this.serving.set(target, former);
  }

  handle(request: FakeRequest): FakeReply {
    return dated(this.#answer(request), this.#now());
  }

  #answer(request: FakeRequest): FakeReply {
    const { headers, query, path } = request;
    if (headers["authorization"] !== `Bearer ${this.token}`) return answer(403);
    const { project, team } = this.#place;
    if (query.get("teamId") !== team) return answer(404);
    if (path === `/v9/projects/${project}`) return answer(200, this.#projectText());
    const [id = ""] = matched(new RegExp(`^/v(?:1|9)/projects/${project}/env/(\\w+)$`), path) ?? [];
    if (id !== "") return this.#variable(request, id);
    if (path === `/v10/projects/${project}/env`) return this.#variables(request);
    if (path === "/v13/deployments" && request.method === "POST") return this.#deploy(request.body as never);
    const [uid = ""] = matched(/^\/v13\/deployments\/(\w+)$/, path) ?? [];
    if (uid !== "") return this.#deployment(uid);
    if (path === "/v6/deployments") return this.#list(query);
    return answer(404);
  }

  #projectText() {
    const { project, team } = this.#place;
    return {
      ...{ id: project, name: "shop", accountId: team },
      ...(this.isConnected && { link: { type: "github", repoId: 42, productionBranch: "main" } }),
      targets: Object.fromEntries(
        [...this.serving].map(([target, { uid, ...each }]) => [target, textOf(uid, each)]),
      ),
    };
  }

  #variable({ method, body }: FakeRequest, id: string): FakeReply {
    const known = this.variables.find((each) => each.id === id);
    if (known === undefined) return answer(404);
    if (method === "GET") return answer(200, { value: known.type === "sensitive" ? "" : known.value });
    const { value, target, key } = body as Partial<Variable>;
    if (key !== undefined && known.type === "sensitive") return answer(400);
    if (value !== undefined) known.value = value;
    if (target !== undefined) known.target = target;
    known.updatedAt = this.#tick();
    return answer(200, shown(known));
  }

  #variables({ method, body }: FakeRequest): FakeReply {
    if (method === "GET") return answer(200, { envs: this.variables.map(shown) });
    const made = body as Variable;
    const isTaken = this.variables.some(
      ({ key, target }) => key === made.key && target.some((each) => made.target.includes(each)),
    );
    if (isTaken) return answer(400, { error: { code: "ENV_CONFLICT" } });
    this.put(made.key, made.value, { target: made.target, type: made.type });
    return answer(201);
  }

  #deploy(body: { target: string; meta: Readonly<Record<string, unknown>> }): FakeReply {
    const { uid, ...made } = this.deploy(body.target, body.meta);
    return answer(200, textOf(uid, made));
  }

  #deployment(wanted: string): FakeReply {
    const known = this.deployments.find(({ uid }) => uid === wanted);
    if (known === undefined) return answer(404);
    const { uid, ...rest } = known;
    return answer(200, textOf(uid, rest));
  }

  #list(query: URLSearchParams): FakeReply {
    const wanted = this.deployments.filter(({ target }) => target === query.get("target"));
    const deployments = wanted
      .slice(0, Number(query.get("limit") ?? 20))
      .map(({ uid, createdAt, readyState, meta }) => ({ uid, created: createdAt, state: readyState, meta }));
    return answer(200, { deployments });
  }

  /** No two things of one project have the same time. */
  #last = 0;
  #tick(): number {
    this.#last = Math.max(this.#last + 1, this.#now());
    return this.#last;
  }
}

function shown({ value: _hidden, ...variable }: Variable) {
  return variable;
}

function textOf(id: string, { createdAt, readyState, meta }: Omit<Deployment, "uid">) {
  return { id, createdAt, readyState, meta };
}
