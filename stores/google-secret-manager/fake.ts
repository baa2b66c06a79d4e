import { isPrincipal } from "../fake-principal.ts";
import { crc32c } from "./crc32c.ts";
import { hostOf } from "./host.ts";

/** What the stand-in sees of one request. */
export interface GoogleRequest {
  readonly method: string;
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

export interface GoogleAnswer {
  readonly status: number;
  readonly json: unknown;
}

interface Version {
  readonly data: string;
  state: "ENABLED" | "DISABLED" | "DESTROYED";
}

interface Kept {
  etag: number;
  aliases: Record<string, string>;
  annotations: Record<string, string>;
  readonly versions: Version[];
}

/** What a subject token hands over to be sent to AWS's STS. */
export interface SignedQuestion {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** One project of Secret Manager, with the two services that give tokens for it. */
export class GoogleFake {
  readonly secrets = new Map<string, Kept>();
  readonly audience =
    "//iam.googleapis.com/projects/123456/locations/global/workloadIdentityPools/aws-pool/providers/aws-main";
  serviceAccount = "rekey@shop-fake.iam.gserviceaccount.com";
  /** Who signed, as STS would say; undefined: it refuses the signature. */
  identify: (signed: SignedQuestion) => string | undefined = () => undefined;
  /** The AWS principal that the pool trusts; `*` at its end stands for anything. */
  principal = "arn:aws:sts::111122223333:assumed-role/rekey/x";
  readonly counts = { exchanges: 0, impersonations: 0 };
  readonly #tokens = new Map<string, number>();
  readonly #now: () => number;
  readonly #project: string;
  readonly #host: string;

  /** With a location its secrets are that location's, on a host of their own. */
  constructor(project: string, now: () => number, location?: string) {
    this.#project = location === undefined ? project : `${project}/locations/${location}`;
    this.#host = hostOf(location);
    this.#now = now;
  }

  create(name: string): void {
    this.secrets.set(name, { etag: 1, aliases: {}, annotations: {}, versions: [] });
  }

  /** Somebody adds a version; its number. */
  add(name: string, text: string): number {
    const kept = this.#at(name);
    kept.versions.push({ data: Buffer.from(text).toString("base64"), state: "ENABLED" });
    return kept.versions.length;
  }

  alias(name: string, alias: string, number: number): void {
    const kept = this.#at(name);
    kept.aliases = { ...kept.aliases, [alias]: String(number) };
    kept.etag += 1;
  }

  forgetTokens(): void {
    this.#tokens.clear();
  }

  #at(name: string): Kept {
    const kept = this.secrets.get(name);
    if (kept === undefined) throw new TypeError(`no secret ${name}`);
    return kept;
  }

  handle(request: GoogleRequest): GoogleAnswer {
    const { url } = request;
    if (url.pathname.startsWith("/computeMetadata/")) return this.#metadata(request);
    if (url.host === "sts.googleapis.com") return this.#exchange(request.body as Record<string, string>);
    const token = request.headers["authorization"]?.replace(/^Bearer /, "") ?? "";
    if ((this.#tokens.get(token) ?? 0) <= this.#now()) return failed(401, "UNAUTHENTICATED");
    if (url.host === "iamcredentials.googleapis.com") return this.#impersonate(url);
    const [, project, name = "", rest = ""] =
      /^\/v1\/projects\/([\w-]+(?:\/locations\/[\w-]+)?)\/secrets(?:\/([\w-]+)(.*))?$/.exec(url.pathname) ??
      [];
    if (project !== this.#project || url.host !== this.#host) return failed(404, "NOT_FOUND");
    if (name === "" && request.method === "POST") return this.#create(url, request.body as object);
    const kept = this.secrets.get(name);
    if (kept === undefined) return failed(404, "NOT_FOUND");
    if (rest === ":addVersion") return this.#addVersion(name, request.body as AddVersion);
    if (rest === "/versions") return { status: 200, json: { versions: this.#listed(name, kept) } };
    if (rest !== "") return this.#access(name, kept, rest);
    return request.method === "PATCH" ? this.#patch(kept, request.body as Patch) : this.#shown(kept);
  }

  #exchange({ audience, subjectToken = "" }: Record<string, string>): GoogleAnswer {
    const { url, headers } = JSON.parse(decodeURIComponent(subjectToken)) as {
      url: string;
      headers: { key: string; value: string }[];
    };
    const given = Object.fromEntries(headers.map(({ key, value }) => [key.toLowerCase(), value]));
    const isForUs = audience === this.audience && given["x-goog-cloud-target-resource"] === this.audience;
    if (!isForUs || !isPrincipal(this.identify({ url, headers: given }), this.principal))
      return failed(400, "invalid_grant");
    this.counts.exchanges += 1;
    return { status: 200, json: { access_token: this.token("federated"), expires_in: 3_600 } };
  }

  /** As a machine of Google's asks for the token of its own service account. */
  #metadata({ url, headers }: GoogleRequest): GoogleAnswer {
    const isAsked = url.pathname.endsWith("/instance/service-accounts/default/token");
    if (!isAsked || headers["metadata-flavor"] !== "Google") return failed(403, "Forbidden");
    return { status: 200, json: { access_token: this.token("workload"), expires_in: 3_599 } };
  }

  #impersonate(url: URL): GoogleAnswer {
    if (!url.pathname.endsWith(`/${this.serviceAccount}:generateAccessToken`)) return failed(403, "DENIED");
    this.counts.impersonations += 1;
    const expireTime = new Date(this.#now() + 3_600_000).toISOString();
    return { status: 200, json: { accessToken: this.token("account"), expireTime } };
  }

  /** One that this project takes for an hour. */
  token(kind = "given"): string {
    const token = `ya29.FAKE-${kind}-${this.#tokens.size + 1}`;
    this.#tokens.set(token, this.#now() + 3_600_000);
    return token;
  }

  #create({ searchParams }: URL, body: object): GoogleAnswer {
    const name = searchParams.get("secretId") ?? "";
    const isRegional = this.#project.includes("/locations/");
    if (isRegional === "replication" in body) return failed(400, "INVALID_ARGUMENT");
    if (this.secrets.has(name)) return failed(409, "ALREADY_EXISTS");
    this.create(name);
    return this.#shown(this.#at(name));
  }

  #shown({ etag, aliases, annotations }: Kept): GoogleAnswer {
    return { status: 200, json: { etag: `"${etag}"`, versionAliases: aliases, annotations } };
  }

  #addVersion(name: string, { payload }: AddVersion): GoogleAnswer {
    const bytes = Buffer.from(payload.data, "base64");
    if (String(crc32c(bytes)) !== payload.dataCrc32c) return failed(400, "INVALID_ARGUMENT");
    return { status: 200, json: { name: this.#nameOf(name, this.add(name, bytes.toString("utf8"))) } };
  }

  #listed(name: string, { versions }: Kept) {
    return versions.map(({ state }, at) => ({ name: this.#nameOf(name, at + 1), state })).reverse();
  }

  #access(name: string, { versions, aliases }: Kept, rest: string): GoogleAnswer {
    const asked = /^\/versions\/([\w-]+):access$/.exec(rest)?.[1] ?? "";
    const number = asked === "latest" ? versions.length : Number(aliases[asked] ?? asked);
    const found = versions[number - 1];
    if (found === undefined) return failed(404, "NOT_FOUND");
    if (found.state !== "ENABLED") return failed(400, "FAILED_PRECONDITION");
    const dataCrc32c = String(crc32c(Buffer.from(found.data, "base64")));
    return {
      status: 200,
      json: { name: this.#nameOf(name, number), payload: { data: found.data, dataCrc32c } },
    };
  }

  #patch(kept: Kept, { etag, versionAliases, annotations }: Patch): GoogleAnswer {
    if (etag !== `"${kept.etag}"`) return failed(409, "ABORTED");
    const isWrong = ([name, number]: [string, string]) =>
      !/^[a-zA-Z][\w-]{0,62}$/.test(name) ||
      ["latest", "NEW"].includes(name) ||
      kept.versions[Number(number) - 1] === undefined;
    const bytes = Buffer.byteLength(JSON.stringify(annotations));
    if (Object.entries(versionAliases).some(isWrong) || bytes > 16_384)
      return failed(400, "INVALID_ARGUMENT");
    Object.assign(kept, { aliases: versionAliases, annotations, etag: kept.etag + 1 });
    return this.#shown(kept);
  }

  #nameOf(name: string, number: number): string {
    return `projects/${this.#project}/secrets/${name}/versions/${number}`;
  }
}

interface AddVersion {
  readonly payload: { readonly data: string; readonly dataCrc32c: string };
}

interface Patch {
  readonly etag: string;
  readonly versionAliases: Record<string, string>;
  readonly annotations: Record<string, string>;
}

function failed(code: number, status: string): GoogleAnswer {
  return { status: code, json: { error: { code, status } } };
}

/** `fetch` on the stand-in, without a socket. `strike` answers in its place, or breaks off. */
export function googleFetch(
  fake: GoogleFake,
  strike: (request: GoogleRequest, answer: () => GoogleAnswer) => GoogleAnswer | "lost" = (
    _request,
    answer,
  ) => answer(),
): (url: string, init: RequestInit) => Promise<Response> {
  return async (url, { method = "GET", headers = {}, body }) => {
    const request = {
      ...{ method, url: new URL(url), body: body === undefined ? undefined : JSON.parse(String(body)) },
      headers: headers as Record<string, string>,
    };
    const answered = strike(request, () => fake.handle(request));
    if (answered === "lost") throw new TypeError("fetch failed");
    return new Response(JSON.stringify(answered.json), { status: answered.status });
  };
}
