/** What the stand-in sees of one exchange. */
export interface ExchangeRequest {
  readonly url: URL;
  readonly headers: Headers;
  readonly text: string;
}

export type Strike = (
  request: ExchangeRequest,
  answer: () => Response,
) => Response | "lost" | Promise<Response | "lost">;

/**
 * The token endpoints of OpenAI and Anthropic and AWS's STS, with state: which statements are trusted, which tokens
 * were given, and until when an API takes them.
 */
export class TokenExchangeFake {
  readonly requests: ExchangeRequest[] = [];
  /** Takes the place of the answer, or makes it late. */
  strike: Strike = (_request, answer) => answer();
  /** Whether the issuer's provider or rule trusts a statement. */
  trusts: (statement: string) => boolean = (statement) => statement === "eyFAKE.statement";
  lifeS: number | undefined = 3_600;
  readonly #tokens = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** As an API would, by the header that it reads. */
  takes(token: string | null | undefined): boolean {
    return (this.#tokens.get(token?.replace(/^Bearer /, "") ?? "") ?? 0) > this.#now();
  }

  /** The tokens so far end at once, as when somebody ends the session at the issuer. */
  endAll(): void {
    this.#tokens.clear();
  }

  readonly fetch = (async (input: string | URL, init: RequestInit = {}) => {
    const request = {
      url: new URL(input),
      headers: new Headers(init.headers),
      text: String(init.body ?? ""),
    };
    this.requests.push(request);
    const given = this.strike(request, () => this.#answer(request));
    const answered = await Promise.race([given, ended(init.signal)]);
    if (answered === "lost") throw new TypeError("fetch failed", { cause: { code: "ECONNRESET" } });
    return answered;
  }) as typeof globalThis.fetch;

  /** Of the exchanges, without those of AWS's statement. */
  exchanges(): readonly ExchangeRequest[] {
    return this.requests.filter(({ url }) => url.pathname.endsWith("/oauth/token"));
  }

  #answer({ url, headers, text }: ExchangeRequest): Response {
    if (url.host.startsWith("sts.")) return this.#statement(headers);
    const body = JSON.parse(text) as Readonly<Record<string, string>>;
    const isOpenAI = url.pathname === "/oauth/token";
    const wanted = isOpenAI
      ? { grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", ...openAIIds }
      : { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", ...anthropicIds };
    const isAsked = Object.entries(wanted).every(([name, value]) => body[name] === value);
    const hasBeta = headers.get("anthropic-beta")?.includes("oidc-federation-2026-04-01") ?? false;
    if (!isAsked || !(isOpenAI || hasBeta)) return json(400, { error: "invalid_request" });
    // A hostile echo: what was shown comes back in the error.
    const shown = body[isOpenAI ? "subject_token" : "assertion"] ?? "";
    if (!this.trusts(shown)) return json(401, { error: "invalid_grant", error_description: shown });
    const token = `FAKE-token-${this.#tokens.size + this.requests.length}`;
    this.#tokens.set(token, this.#now() + (this.lifeS ?? 3_600) * 1_000);
    const life = this.lifeS !== undefined && { expires_in: this.lifeS };
    return json(200, { access_token: token, token_type: "Bearer", ...life });
  }

  #statement(headers: Headers): Response {
    if (!headers.get("authorization")?.startsWith("AWS4-HMAC-SHA256 ")) return json(403, {});
    const WebIdentityToken = "eyFAKE.statement";
    return json(200, { GetWebIdentityTokenResponse: { GetWebIdentityTokenResult: { WebIdentityToken } } });
  }
}

export const openAIIds = { identity_provider_id: "idp_FAKE", service_account_id: "svc_FAKE" };
export const anthropicIds = { federation_rule_id: "fdrl_FAKE", organization_id: "org_FAKE" };

export const json = (status: number, body: unknown): Response =>
  new Response(JSON.stringify(body), { status });

function ended(signal: AbortSignal | null | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError")));
  });
}
