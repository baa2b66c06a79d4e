import { answer, dated, type FakeReply, type FakeRequest } from "../fake.ts";

interface Version {
  readonly id: string;
  readonly number: number;
  readonly by: "secret" | "upload";
  readonly madeAtMs: number;
  readonly secrets: ReadonlyMap<string, string>;
}

/** One script: each change of a secret makes a version and deploys it at once. */
export class WorkersFake {
  readonly token = "cf-FAKE-token";
  environment = "production";
  readonly versions: Version[] = [];
  deployed: readonly Version[] = [];
  readonly #root: string;
  readonly #now: () => number;

  constructor(place: { account: string; script: string }, now: () => number) {
    this.#now = now;
    this.#root = `/client/v4/accounts/${place.account}/workers/scripts/${place.script}`;
    this.#make("upload", new Map());
  }

  get newest(): Version | undefined {
    return this.versions.at(-1);
  }

  put(name: string, text: string): void {
    this.#make("secret", new Map([...(this.newest?.secrets ?? []), [name, text]]));
  }

  upload(): void {
    this.#make("upload", new Map(this.newest?.secrets));
  }

  rollBack(): void {
    this.deployed = this.versions.slice(-2, -1);
  }

  #page(query: URLSearchParams): readonly Version[] {
    const [page, size] = [Number(query.get("page") ?? 1), Number(query.get("per_page") ?? 10)];
    return this.versions.toReversed().slice((page - 1) * size, page * size);
  }

  #make(by: Version["by"], secrets: ReadonlyMap<string, string>): void {
    const number = this.versions.length + 1;
    const made = { id: `v-${number}`, number, by, secrets, madeAtMs: this.#now() };
    this.versions.push(made);
    this.deployed = [made];
  }

  handle(request: FakeRequest): FakeReply {
    return dated(this.#answer(request), this.#now());
  }

  #answer({ method, path, query, headers, body }: FakeRequest): FakeReply {
    if (headers["authorization"] !== `Bearer ${this.token}`) return answer(403);
    if (!path.startsWith(this.#root)) return answer(404);
    switch (`${method} ${path.slice(this.#root.length)}`) {
      case "GET /settings":
        return answer(200, {
          result: { bindings: [{ type: "plain_text", name: "REKEY_ENVIRONMENT", text: this.environment }] },
        });
      case "GET /secrets":
        return answer(200, { result: [...(this.newest?.secrets.keys() ?? [])].map((name) => ({ name })) });
      case "PUT /secrets": {
        const { name, text } = body as { name: string; text: string };
        if (this.deployed[0] !== this.newest) return answer(400, { errors: [{ code: 10215 }] });
        this.put(name, text);
        return answer(200, { result: { name } });
      }
      case "GET /versions":
        return answer(200, {
          result: {
            items: this.#page(query).map(({ id, number, by, madeAtMs }) => ({
              ...{ id, number },
              metadata: { created_on: new Date(madeAtMs).toISOString() },
              annotations: { "workers/triggered_by": by },
            })),
          },
        });
      case "GET /deployments": {
        const versions = this.deployed.map(({ id }) => ({
          version_id: id,
          percentage: 100 / this.deployed.length,
        }));
        return answer(200, { result: { deployments: [{ versions }] } });
      }
      default:
        return answer(404);
    }
  }
}
