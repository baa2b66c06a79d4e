import { generateKeyPairSync } from "node:crypto";
import sealedBox from "tweetnacl-sealedbox-js";
import { answer, dated, type FakeReply, type FakeRequest, matched } from "../fake.ts";

interface Stored {
  readonly text: string;
  readonly updatedAtMs: number;
  readonly visibility?: string;
  readonly sharedWith?: readonly number[];
}

interface Run {
  readonly id: number;
  readonly startedAtMs: number;
  /** What it was given when it began. */
  readonly given: ReadonlyMap<string, string>;
}

/** One repository (or organization) of GitHub with its Actions secrets and runs. */
export class GithubFake {
  readonly token = "ghs_FAKE-token";
  readonly runs: Run[] = [];
  readonly secrets = new Map<string, Stored>();
  readonly #place: { readonly owner: string; readonly environment?: string };
  readonly #keys = keyPair();
  readonly #now: () => number;
  #made = 0;

  constructor(place: { owner: string; environment?: string }, now: () => number) {
    this.#place = place;
    this.#now = now;
  }

  /** Somebody sets a secret in the console. */
  put(name: string, text: string, sharing: Pick<Stored, "visibility" | "sharedWith"> = {}): void {
    this.secrets.set(name, { text, updatedAtMs: this.#now(), ...sharing });
  }

  begin(): Run {
    this.#made += 1;
    const given = new Map([...this.secrets].map(([name, { text }]) => [name, text]));
    const run = { id: this.#made, startedAtMs: this.#now(), given };
    this.runs.push(run);
    return run;
  }

  end(run: Run): void {
    this.runs.splice(this.runs.indexOf(run), 1);
  }

  handle(request: FakeRequest): FakeReply {
    return dated(this.#answer(request), this.#now());
  }

  #answer({ method, path, headers, body }: FakeRequest): FakeReply {
    if (headers["authorization"] !== `Bearer ${this.token}`) return answer(401);
    const { owner, environment } = this.#place;
    const isOrganization = !owner.includes("/");
    const root = isOrganization ? `/orgs/${owner}` : `/repos/${owner}`;
    if (!path.startsWith(root)) return answer(404);
    const rest = path.slice(root.length);
    if (rest === "") return answer(200, isOrganization ? { login: owner } : { full_name: owner });
    if (rest === "/actions/runs") return this.#runs();
    const inside = environment === undefined ? "/actions/secrets" : `/environments/${environment}/secrets`;
    if (environment !== undefined && rest === `/environments/${environment}`)
      return answer(200, { name: environment });
    if (!rest.startsWith(inside)) return answer(404);
    return this.#secret(method, rest.slice(inside.length + 1), body);
  }

  #runs(): FakeReply {
    const workflow_runs = this.runs.map(({ id, startedAtMs }) => ({
      id,
      run_started_at: iso(startedAtMs),
      created_at: iso(startedAtMs),
    }));
    return answer(200, { total_count: workflow_runs.length, workflow_runs });
  }

  #secret(method: string, rest: string, body: unknown): FakeReply {
    if (rest === "public-key")
      return answer(200, { key_id: "key-1", key: Buffer.from(this.#keys.publicKey).toString("base64") });
    const [name = ""] = matched(/^(\w+)\/repositories$/, rest) ?? [];
    if (name !== "") {
      const ids = this.secrets.get(name)?.sharedWith ?? [];
      return answer(200, { total_count: ids.length, repositories: ids.map((id) => ({ id })) });
    }
    const stored = this.secrets.get(rest);
    if (method === "PUT") return this.#write(rest, body as Body, stored !== undefined);
    if (stored === undefined) return answer(404);
    const { updatedAtMs, visibility } = stored;
    return answer(200, { name: rest, updated_at: iso(updatedAtMs), ...(visibility && { visibility }) });
  }

  #write(name: string, body: Body, isKnown: boolean): FakeReply {
    if (body.key_id !== "key-1") return answer(422);
    const sealedText = Buffer.from(body.encrypted_value, "base64");
    const opened = sealedBox.open(sealedText, this.#keys.publicKey, this.#keys.secretKey);
    if (opened === null) return answer(422);
    const { visibility, selected_repository_ids: ids } = body;
    this.put(name, Buffer.from(opened).toString(), {
      ...(visibility !== undefined && { visibility }),
      ...(ids !== undefined && { sharedWith: ids }),
    });
    return answer(isKnown ? 204 : 201);
  }
}

interface Body {
  readonly key_id: string;
  readonly encrypted_value: string;
  readonly visibility?: string;
  readonly selected_repository_ids?: readonly number[];
}

function keyPair(): { readonly publicKey: Buffer; readonly secretKey: Buffer } {
  const { x = "", d = "" } = generateKeyPairSync("x25519").privateKey.export({ format: "jwk" });
  return { publicKey: Buffer.from(x, "base64url"), secretKey: Buffer.from(d, "base64url") };
}

/** GitHub's times are in whole seconds. */
function iso(ms: number): string {
  return new Date(Math.floor(ms / 1_000) * 1_000).toISOString().replace(".000Z", "Z");
}
