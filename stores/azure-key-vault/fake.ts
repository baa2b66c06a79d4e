import { createHash } from "node:crypto";

/** What the stand-in sees of one request. */
export interface AzureRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

export interface AzureAnswer {
  readonly status: number;
  readonly json: unknown;
}

interface Version {
  readonly version: string;
  readonly value: string;
  readonly contentType: string | undefined;
  readonly createdS: number;
  tags: Readonly<Record<string, string>>;
  enabled: boolean;
}

interface Kept {
  /** In the order in which they were made; the last is what a reader without a version is given. */
  readonly versions: Version[];
  isDeleted: boolean;
}

const pageOf = 25;
const bytesMax = 25 * 1024;
const tagsMax = 15;

/** One vault, with what gives tokens for it. */
export class AzureFake {
  readonly address: string;
  readonly tenant = "0f0f0f0f-0000-4000-8000-000000000001";
  readonly client = "0f0f0f0f-0000-4000-8000-000000000002";
  /** By name in lower case: Key Vault tells no two names apart by their case. */
  readonly secrets = new Map<string, Kept>();
  /** Whether the federated credential of the application trusts this statement. */
  trusts: (assertion: string) => boolean = () => true;
  /** What a role may do, by the name of a secret; without a rule everything is allowed. */
  mayRead: (name: string, token: string) => boolean = () => true;
  readonly identityHeader = "FAKE-identity-header";
  /** What a token is for. */
  readonly resource: string;
  readonly counts = { logins: 0, writes: 0 };
  readonly #tokens = new Map<string, number>();
  readonly #now: () => number;

  constructor(address: string, now: () => number) {
    this.address = address;
    const { hostname } = new URL(address);
    this.resource = `https://${/\.(vault\..+)$/.exec(hostname)?.[1] ?? "vault.azure.net"}`;
    this.#now = now;
  }

  /** Somebody writes a value; Azure's name of the version. */
  put(name: string, value: string, more: Partial<Pick<Version, "tags" | "contentType">> = {}): string {
    const kept = this.secrets.get(name.toLowerCase()) ?? { versions: [], isDeleted: false };
    this.secrets.set(name.toLowerCase(), kept);
    this.counts.writes += 1;
    const version = createHash("md5").update(`${name} ${this.counts.writes}`).digest("hex");
    const createdS = Math.floor(this.#now() / 1_000);
    const { tags = {}, contentType } = more;
    kept.versions.push({ version, value, createdS, tags, contentType, enabled: true });
    return version;
  }

  at(name: string): Kept {
    const kept = this.secrets.get(name.toLowerCase());
    if (kept === undefined) throw new TypeError(`no secret ${name}`);
    return kept;
  }

  forgetTokens(): void {
    this.#tokens.clear();
  }

  /** As a managed identity, or a login of another kind, is given one. */
  token(): { readonly text: string; readonly seconds: number } {
    this.counts.logins += 1;
    const text = `eyFAKE-azure-${this.counts.logins}`;
    this.#tokens.set(text, this.#now() + 3_600_000);
    return { text, seconds: 3_600 };
  }

  handle(request: AzureRequest): AzureAnswer {
    const { url, headers, method } = request;
    if (url.pathname === `/${this.tenant}/oauth2/v2.0/token`) return this.#login(request);
    if (url.pathname === "/msi/token") return this.#managed(request);
    const token = headers["authorization"]?.replace(/^Bearer /, "") ?? "";
    if ((this.#tokens.get(token) ?? 0) <= this.#now()) return failed(401, "Unauthorized");
    if (url.origin !== this.address || !/^(7\.[456]|20\d\d-\d\d-\d\d)$/.test(versionOf(url)))
      return failed(400, "BadParameter");
    const [, name = "", rest = ""] = /^\/secrets\/([0-9A-Za-z-]{1,127})(?:\/(.*))?$/.exec(url.pathname) ?? [];
    if (name === "") return failed(400, "BadParameter");
    if (!this.mayRead(name, token)) return failed(403, "Forbidden", "ForbiddenByRbac");
    if (method === "PUT") return this.#set(name, request.text);
    const kept = this.secrets.get(name.toLowerCase());
    if (rest === "versions") return this.#list(name, kept, url);
    if (kept === undefined || kept.isDeleted) return failed(404, "SecretNotFound");
    const found = rest === "" ? kept.versions.at(-1) : kept.versions.find(({ version }) => version === rest);
    if (found === undefined) return failed(404, "SecretNotFound");
    if (method === "PATCH") return this.#update(name, found, request.text);
    if (!found.enabled) return failed(403, "Forbidden", "SecretDisabled");
    return { status: 200, json: { ...this.#shown(name, found), value: found.value } };
  }

  #login({ text }: AzureRequest): AzureAnswer {
    const form = new URLSearchParams(text);
    const isAsked = form.get("grant_type") === "client_credentials" && form.get("client_id") === this.client;
    if (!isAsked || form.get("scope") !== `${this.resource}/.default`) return failed(400, "invalid_request");
    if (form.get("client_assertion_type") !== "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
      return failed(400, "invalid_request");
    if (!this.trusts(form.get("client_assertion") ?? "")) return failed(401, "invalid_client");
    const { text: access_token, seconds: expires_in } = this.token();
    return { status: 200, json: { token_type: "Bearer", access_token, expires_in } };
  }

  /** As App Service and Container Apps give it to a workload; `identityHeader` is in its environment. */
  #managed({ url, headers }: AzureRequest): AzureAnswer {
    const isAsked = url.searchParams.get("resource") === this.resource;
    if (!isAsked || headers["x-identity-header"] !== this.identityHeader) return failed(400, "BadRequest");
    const { text: access_token, seconds } = this.token();
    return { status: 200, json: { access_token, expires_in: String(seconds) } };
  }

  #set(name: string, text: string): AzureAnswer {
    const { value, tags = {}, contentType } = JSON.parse(text) as Written;
    if (this.secrets.get(name.toLowerCase())?.isDeleted)
      return failed(409, "Conflict", "ObjectIsDeletedButRecoverable");
    if (Buffer.byteLength(value) > bytesMax || !areTags(tags)) return failed(400, "BadParameter");
    const made = this.put(name, value, { tags, contentType });
    const version = this.at(name).versions.find((each) => each.version === made);
    return version === undefined
      ? failed(500, "InternalError")
      : { status: 200, json: { ...this.#shown(name, version), value } };
  }

  #list(name: string, kept: Kept | undefined, url: URL): AzureAnswer {
    if (kept === undefined || kept.isDeleted) return { status: 200, json: { value: [], nextLink: null } };
    // By their names, which are random: the order says nothing about their age.
    const sorted = kept.versions.toSorted((a, b) => a.version.localeCompare(b.version));
    const from = Number(url.searchParams.get("$skiptoken") ?? 0);
    const value = sorted.slice(from, from + pageOf).map((each) => this.#shown(name, each));
    const next = new URL(url);
    next.searchParams.set("$skiptoken", String(from + pageOf));
    const nextLink = from + pageOf < sorted.length ? next.toString() : null;
    return { status: 200, json: { value, nextLink } };
  }

  #update(name: string, found: Version, text: string): AzureAnswer {
    const { tags, attributes = {} } = JSON.parse(text) as Updated;
    if (tags !== undefined && !areTags(tags)) return failed(400, "BadParameter");
    if (tags !== undefined) found.tags = tags;
    if (attributes.enabled !== undefined) found.enabled = attributes.enabled;
    return { status: 200, json: this.#shown(name, found) };
  }

  #shown(name: string, { version, tags, contentType, createdS, enabled }: Version) {
    return {
      id: `${this.address}/secrets/${name}/${version}`,
      attributes: { enabled, created: createdS, updated: createdS, recoveryLevel: "Recoverable" },
      tags,
      ...(contentType !== undefined && { contentType }),
    };
  }
}

interface Written {
  readonly value: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly contentType?: string;
}

interface Updated {
  readonly tags?: Readonly<Record<string, string>>;
  readonly attributes?: { readonly enabled?: boolean };
}

const versionOf = (url: URL): string => url.searchParams.get("api-version") ?? "";

function areTags(tags: Readonly<Record<string, string>>): boolean {
  const all = Object.entries(tags);
  return all.length <= tagsMax && all.every(([name, value]) => name.length <= 512 && value.length <= 512);
}

function failed(status: number, code: string, inner?: string): AzureAnswer {
  const message = `${code}: as Azure says it`;
  return {
    status,
    json: { error: { code, message, ...(inner !== undefined && { innererror: { code: inner } }) } },
  };
}

/** `fetch` on the stand-in, without a socket. `strike` answers in its place, or breaks off. */
export function azureFetch(
  fake: AzureFake,
  strike: (request: AzureRequest, answer: () => AzureAnswer) => AzureAnswer | "lost" = (_request, answer) =>
    answer(),
): (url: string, init: RequestInit) => Promise<Response> {
  return async (url, { method = "GET", headers = {}, body }) => {
    const request = { method, url: new URL(url), text: String(body ?? "") };
    const given = { ...request, headers: headers as Record<string, string> };
    const answered = strike(given, () => fake.handle(given));
    if (answered === "lost") throw new TypeError("fetch failed");
    return new Response(JSON.stringify(answered.json), { status: answered.status });
  };
}
