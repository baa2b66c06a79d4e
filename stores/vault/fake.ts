import { isPrincipal } from "../fake-principal.ts";
import { memberText } from "../value.ts";

/** What the stand-in sees of one request. */
export interface VaultRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface VaultAnswer {
  readonly status: number;
  readonly text: string;
}

interface Version {
  readonly number: number;
  readonly createdAt: string;
  /** Undefined once it was deleted. */
  fields: string | undefined;
}

interface Kept {
  versions: Version[];
  maxVersions: number;
  casRequired?: boolean;
  /** How often its metadata was written. */
  metadataVersion?: number;
  next: number;
}

/** What an AWS login hands over to be sent to STS. */
export interface SignedRequest {
  readonly url: string;
  readonly body: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

interface Issued {
  readonly until: number;
  readonly maxUntil: number;
}

const maxVersionsDefault = 10;

/** One server: a KV v2 engine at `secret/`, logins, tokens that end, sealing and standby. As Vault and OpenBao do it. */
export class VaultFake {
  readonly secrets = new Map<string, Kept>();
  readonly tokens = new Map<string, Issued>();
  /** By role and credential: who is let in. */
  readonly roleId = "role-FAKE";
  secretId = "secret-id-FAKE";
  namespace = "";
  state: "active" | "sealed" | "standby" = "active";
  /** OpenBao 2.4 and later take `metadata_cas`; Vault does not know it. */
  hasMetadataCas = false;
  /** Seconds that a new token lives, and how long renewals can make it. */
  ttl = { seconds: 1_000, maxSeconds: 3_000 };
  readonly counts = { logins: 0, renewals: 0 };
  /** Who signed the request of an AWS login, as STS would say; undefined: STS refuses it. */
  identify: (signed: SignedRequest) => string | undefined = () => undefined;
  /** The AWS principal that the role of AWS logins is bound to; `*` at its end stands for anything. */
  principal = "arn:aws:iam::111122223333:role/rekey-FAKE";
  /** What the signed header `X-Vault-AWS-IAM-Server-ID` has to say; empty: it is not asked for. */
  serverId = "";
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Somebody makes the secret; without fields it has no version. */
  create(path: string, fields?: string): void {
    this.secrets.set(path, { versions: [], maxVersions: maxVersionsDefault, next: 1 });
    if (fields !== undefined) this.put(path, fields);
  }

  /** Somebody writes it, without `cas`. */
  put(path: string, fields: string): number {
    const kept = this.#at(path);
    const number = kept.next++;
    const createdAt = new Date(this.#now()).toISOString().replace("Z", `${String(number).padStart(6, "0")}Z`);
    kept.versions.push({ number, createdAt, fields });
    kept.versions = kept.versions.slice(-kept.maxVersions);
    return number;
  }

  /** Somebody deletes the newest version. */
  delete(path: string): void {
    const newest = this.secrets.get(path)?.versions.at(-1);
    if (newest !== undefined) newest.fields = undefined;
  }

  #at(path: string): Kept {
    const kept = this.secrets.get(path) ?? { versions: [], maxVersions: maxVersionsDefault, next: 1 };
    this.secrets.set(path, kept);
    return kept;
  }

  handle(request: VaultRequest): VaultAnswer {
    const { path, headers } = request;
    if (this.state === "sealed") return failed(503, "Vault is sealed");
    if (this.state === "standby") return { status: 307, text: "" };
    if ((headers["x-vault-namespace"] ?? "") !== this.namespace) return failed(403, "permission denied");
    if (path.startsWith("/v1/auth/") && path.endsWith("/login")) return this.#login(request);
    const token = this.tokens.get(headers["x-vault-token"] ?? "");
    if (token === undefined || token.until <= this.#now()) return failed(403, "permission denied");
    if (path === "/v1/auth/token/renew-self") return this.#renew(headers["x-vault-token"] ?? "", token);
    const [, kind, name = ""] = /^\/v1\/secret\/(data|metadata)\/(.+)$/.exec(path) ?? [];
    if (kind === "metadata") return this.#metadata(request, name);
    if (kind === "data")
      return request.method === "GET" ? this.#read(request, name) : this.#write(request, name);
    return failed(404);
  }

  #login({ path, text }: VaultRequest): VaultAnswer {
    const body = JSON.parse(text) as Record<string, string>;
    const isAppRole = path === "/v1/auth/approle/login" && body["role_id"] === this.roleId;
    const isJwt = /^\/v1\/auth\/(?:jwt|kubernetes)\/login$/.test(path) && body["role"] === this.roleId;
    const credential = isAppRole ? body["secret_id"] : body["jwt"];
    const isKnown = (isAppRole || isJwt) && credential === this.secretId;
    const isOwnRole = path === "/v1/auth/aws/login" && body["role"] === this.roleId;
    if (!isKnown && !(isOwnRole && this.#isPrincipal(body))) return failed(400, "invalid role or secret ID");
    this.counts.logins += 1;
    const name = `token-FAKE-${this.counts.logins}`;
    const now = this.#now();
    const { seconds, maxSeconds } = this.ttl;
    this.tokens.set(name, { until: now + seconds * 1_000, maxUntil: now + maxSeconds * 1_000 });
    return auth(name, seconds);
  }

  /** Without its header a request that was signed for another server would be taken here too. */
  #isPrincipal(body: Readonly<Record<string, string>>): boolean {
    const decoded = (name: string) => Buffer.from(body[name] ?? "", "base64").toString("utf8");
    const headers = JSON.parse(decoded("iam_request_headers") || "{}") as Record<string, string>;
    const isForUs = this.serverId === "" || headers["x-vault-aws-iam-server-id"] === this.serverId;
    const isSigned = /SignedHeaders=[^,]*x-vault-aws-iam-server-id/.test(headers["authorization"] ?? "");
    if (!isForUs || (this.serverId !== "" && !isSigned)) return false;
    const signed = { url: decoded("iam_request_url"), body: decoded("iam_request_body"), headers };
    return isPrincipal(this.identify(signed), this.principal);
  }

  #renew(name: string, { maxUntil }: Issued): VaultAnswer {
    this.counts.renewals += 1;
    const until = Math.min(this.#now() + this.ttl.seconds * 1_000, maxUntil);
    this.tokens.set(name, { until, maxUntil });
    return auth(name, Math.floor((until - this.#now()) / 1_000));
  }

  #metadata({ method, text }: VaultRequest, name: string): VaultAnswer {
    const known = this.secrets.get(name);
    const count = known?.metadataVersion ?? 0;
    if (method === "GET") {
      if (known === undefined) return failed(404);
      const data = {
        ...{ max_versions: known.maxVersions, cas_required: known.casRequired ?? false },
        ...(this.hasMetadataCas && { current_metadata_version: count }),
      };
      return { status: 200, text: JSON.stringify({ data }) };
    }
    const given = JSON.parse(text) as {
      max_versions?: number;
      cas_required?: boolean;
      metadata_cas?: number;
    };
    if (this.hasMetadataCas && given.metadata_cas !== undefined && given.metadata_cas !== count)
      return failed(400, "metadata check-and-set parameter does not match the current version");
    const kept = this.#at(name);
    kept.maxVersions = given.max_versions ?? maxVersionsDefault;
    kept.casRequired = given.cas_required ?? false;
    kept.metadataVersion = count + 1;
    return { status: 204, text: "" };
  }

  #read({ query }: VaultRequest, name: string): VaultAnswer {
    const wanted = query.get("version");
    const versions = this.secrets.get(name)?.versions ?? [];
    const found =
      wanted === null ? versions.at(-1) : versions.find(({ number }) => number === Number(wanted));
    if (found === undefined) return failed(404);
    const { number, createdAt, fields } = found;
    const metadata = JSON.stringify({ version: number, created_time: createdAt, destroyed: false });
    const text = `{"request_id":"FAKE","data":{"data":${fields ?? "null"},"metadata":${metadata}},"warnings":null}`;
    return { status: fields === undefined ? 404 : 200, text };
  }

  #write({ text }: VaultRequest, name: string): VaultAnswer {
    const { options } = JSON.parse(text) as { options?: { cas?: number } };
    const now = (this.secrets.get(name)?.next ?? 1) - 1;
    if (options?.cas !== undefined && options.cas !== now)
      return failed(400, "check-and-set parameter did not match the current version");
    const number = this.put(name, memberText(text, "data"));
    return { status: 200, text: JSON.stringify({ data: { version: number } }) };
  }
}

function auth(client_token: string, lease_duration: number): VaultAnswer {
  return { status: 200, text: JSON.stringify({ auth: { client_token, lease_duration, renewable: true } }) };
}

function failed(status: number, ...errors: readonly string[]): VaultAnswer {
  return { status, text: JSON.stringify({ errors }) };
}

/** `fetch` on stand-ins by their address, without a socket. `strike` answers in place of a server, or breaks off. */
export function vaultFetch(
  servers: Readonly<Record<string, VaultFake>>,
  strike: (request: VaultRequest, answer: () => VaultAnswer) => VaultAnswer | "lost" = (_request, answer) =>
    answer(),
): (url: string, init: RequestInit) => Promise<Response> {
  return async (url, { method = "GET", headers = {}, body = "" }) => {
    const { origin, pathname, searchParams } = new URL(url);
    const names = Object.entries(headers as Record<string, string>);
    const request = {
      ...{ method, path: pathname, query: searchParams, text: String(body) },
      headers: Object.fromEntries(names.map(([name, value]) => [name.toLowerCase(), value])),
    };
    const server = servers[origin];
    if (server === undefined) throw new TypeError("fetch failed");
    const answered = strike(request, () => server.handle(request));
    if (answered === "lost") throw new TypeError("fetch failed");
    const { status, text } = answered;
    return new Response(text === "" ? null : text, { status });
  };
}
