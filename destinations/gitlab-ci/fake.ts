import { answer, type FakeReply, type FakeRequest, matched } from "../fake.ts";

interface Variable {
  value: string;
  scope: string;
  hidden: boolean;
  raw: boolean;
  masked: boolean;
  protected: boolean;
}

interface Pipeline {
  readonly id: number;
  readonly given: ReadonlyMap<string, string>;
}

/** One project: variables by name and scope, and pipelines that run with what they were given. */
export class GitlabFake {
  readonly token = "glpat-FAKE-token";
  readonly variables = new Map<string, Variable>();
  readonly pipelines: Pipeline[] = [];
  readonly #place: { readonly project: number; readonly scope: string };
  #made = 0;

  constructor(place: { project: number; scope: string }) {
    this.#place = place;
    this.put("REKEY_ENVIRONMENT", "production");
  }

  put(name: string, value: string, fields: Partial<Variable> = {}): void {
    const scope = fields.scope ?? this.#place.scope;
    const id = `${name} ${scope}`;
    const fresh = { scope, hidden: false, raw: true, masked: false, protected: false };
    this.variables.set(id, { ...(this.variables.get(id) ?? fresh), ...fields, value });
  }

  valueOf(name: string): string | undefined {
    return this.variables.get(`${name} ${this.#place.scope}`)?.value;
  }

  begin(): void {
    this.#made += 1;
    const given = new Map(
      [...this.variables].map(([id, { value, raw }]) => [
        id.split(" ")[0] ?? "",
        raw ? value : value.replace(/\$\w*/g, ""),
      ]),
    );
    this.pipelines.push({ id: this.#made, given });
  }

  end(): void {
    this.pipelines.shift();
  }

  handle({ method, path, query, headers, body }: FakeRequest): FakeReply {
    if (headers["private-token"] !== this.token) return answer(401);
    const root = `/api/v4/projects/${this.#place.project}`;
    if (path === root) return answer(200, { id: this.#place.project });
    if (path === `${root}/pipelines`) return this.#pipelines(query);
    if (path === `${root}/variables` && method === "POST") return this.#write(body as Body, 201);
    const [name = ""] = matched(new RegExp(`^${root}/variables/(\\w+)$`), path) ?? [];
    const known = this.variables.get(`${name} ${query.get("filter[environment_scope]")}`);
    if (known === undefined) return answer(404);
    if (method === "PUT") return this.#write({ ...(body as Body), key: name }, 200);
    return answer(200, { value: known.hidden ? null : known.value, hidden: known.hidden });
  }

  #pipelines(query: URLSearchParams): FakeReply {
    if (query.get("status") === "running")
      return answer(
        200,
        this.pipelines.map(({ id }) => ({ id })),
      );
    return answer(200, this.#made === 0 ? [] : [{ id: this.#made }]);
  }

  #write({ key, value, environment_scope: scope, ...fields }: Body, status: number): FakeReply {
    this.put(key, value, { scope, ...fields });
    return answer(status);
  }
}

interface Body {
  readonly key: string;
  readonly value: string;
  readonly raw?: boolean;
  readonly masked?: boolean;
  readonly protected?: boolean;
  readonly environment_scope: string;
}
