import type { CredentialSource, Fetch } from "./credentials.ts";
import { RekeyError, type UnavailableReason, UpstreamUnavailable } from "./errors.ts";
import { loginBody, type VaultLogin } from "./vault-login.ts";

export interface VaultWorld {
  addresses: readonly string[];
  namespace: string | undefined;
  mount: string;
  login: VaultLogin;
  fetch: Fetch;
  credentials: CredentialSource;
  wallMs(): number;
}

export interface VaultVersion {
  number: number;
  createdAt: string;
  fields: Readonly<Record<string, unknown>>;
}

interface Reply {
  status: number;
  body: unknown;
}

interface Token {
  text: string;
  renewable: boolean;
  /** When it is renewed; Infinity for one that does not end. */
  renewAtMs: number;
}

/** Late enough to be rare, and early enough that a renewal may fail and be tried again; Vault's own clients do so, too. */
const renewedAfter = 0.7;
const bytesMax = 1024 * 1024;
/** Such a server is on standby, recovering, sealed, or behind what was written: another one may answer. */
const elsewhere = [307, 308, 412, 429, 472, 473];

/** Reads in KV v2 with a token that is renewed, or got anew, in time. */
export function createVaultCalls(world: VaultWorld) {
  const { addresses, namespace, mount, wallMs } = world;
  let held: Promise<Token> | undefined;

  const ask = async (path: string, asked: Asked): Promise<Reply> => {
    let why: RekeyError = unavailable("network", { about: asked.secret, says: "Vault cannot be reached" });
    for (const address of addresses) {
      const reply = await askOne(`${address}/v1/${path}`, { ...asked, namespace, fetch: world.fetch });
      if (!(reply instanceof RekeyError)) return reply;
      why = reply;
    }
    throw why;
  };

  const login = async (asked: Asked): Promise<Token> => {
    const given = await loginBody(world.login, world);
    if ("token" in given) return { text: given.token, renewable: false, renewAtMs: Infinity };
    const fromMs = wallMs();
    const { secret, signal } = asked;
    const reply = await ask(given.path, { secret, signal, body: given.body });
    const token = tokenIn(reply, fromMs);
    if (token) return token;
    const says = `Vault refused the login by ${world.login.method}`;
    throw unavailable("denied", { about: secret, status: reply.status, says });
  };

  /** Near the maximum life of a token Vault gives less than was asked for: then a new one is better. */
  const renewed = async ({ text, renewable }: Token, asked: Asked): Promise<Token | undefined> => {
    if (!renewable) return undefined;
    const fromMs = wallMs();
    const { secret, signal } = asked;
    const reply = await ask("auth/token/renew-self", { secret, signal, body: {}, token: text });
    const token = tokenIn(reply, fromMs);
    return token && token.renewAtMs > fromMs ? token : undefined;
  };

  const hold = (next: Promise<Token>): Promise<Token> => {
    held = next;
    next.catch(() => {
      if (held === next) held = undefined;
    });
    return next;
  };

  const token = async (asked: Asked): Promise<string> => {
    const known = await (held ?? hold(login(asked)));
    if (wallMs() < known.renewAtMs) return known.text;
    const next = renewed(known, asked).catch(() => undefined);
    return (await hold(next.then((given) => given ?? login(asked)))).text;
  };

  return {
    /** What a consumer is given that names no version. */
    async read(path: string, asked: { secret: string; signal: AbortSignal }): Promise<VaultVersion> {
      const get = async () => ask(`${mount}/data/${path}`, { ...asked, token: await token(asked) });
      let reply = await get();
      // A token may have been revoked before its end; a policy's refusal looks the same.
      if (reply.status === 403) {
        held = undefined;
        reply = await get();
      }
      return versionIn(reply, asked.secret);
    },
  };
}

export type VaultCalls = ReturnType<typeof createVaultCalls>;

interface Asked {
  secret: string;
  signal: AbortSignal;
  body?: object;
  token?: string;
}

/** A token is sent to the listed addresses and to no other: redirects are answers. */
async function askOne(
  url: string,
  { secret, signal, body, token, namespace, fetch }: Asked & Pick<VaultWorld, "namespace" | "fetch">,
): Promise<Reply | RekeyError> {
  const headers = {
    "x-vault-request": "true",
    ...(namespace && { "x-vault-namespace": namespace }),
    ...(token && { "x-vault-token": token }),
    ...(body && { "content-type": "application/json" }),
  };
  const sent = body ? { method: "POST", body: JSON.stringify(body) } : { method: "GET" };
  try {
    const response = await fetch(url, { ...sent, headers, signal, redirect: "manual" });
    const { status } = response;
    if (status < 500 && !elsewhere.includes(status)) return { status, body: await boundedJson(response) };
    await response.body?.cancel();
    const isSealed = status === 503;
    const says = `Vault is ${isSealed ? "sealed or in maintenance" : "not answering"} (${status})`;
    return unavailable("server", { about: secret, status, says });
  } catch (error) {
    const code = /^E[A-Z_]+$/.exec(`${(error as { cause?: { code?: unknown } }).cause?.code}`)?.[0];
    const says = `Vault cannot be reached${code ? ` (${code})` : ""}: see VAULT_ADDR, DNS and its certificate`;
    return unavailable(signal.aborted ? "timeout" : "network", { about: secret, code, says });
  }
}

/** Undefined for what is no JSON: a proxy's page says nothing. */
async function boundedJson({ body }: Response): Promise<unknown> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of body ?? []) {
    bytes += chunk.length;
    if (bytes > bytesMax) return undefined;
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch {
    return undefined;
  }
}

function tokenIn({ status, body }: Reply, fromMs: number): Token | undefined {
  const { auth } = (body ?? {}) as { auth?: Record<string, unknown> | null };
  const { client_token: text, lease_duration: seconds, renewable } = auth ?? {};
  if (status !== 200 || typeof text !== "string" || !text) return undefined;
  const lifeMs = typeof seconds === "number" && seconds > 0 ? seconds * 1_000 : Infinity;
  return { text, renewable: renewable === true, renewAtMs: fromMs + lifeMs * renewedAfter };
}

interface Data {
  data?: unknown;
  metadata?: { version?: unknown; created_time?: unknown };
}

function versionIn({ status, body }: Reply, about: string): VaultVersion {
  if (status === 403) {
    const says = "Vault's policy does not allow this token to read it";
    throw unavailable("denied", { about, status, says });
  }
  // A deleted version is answered with its metadata, and there is nothing to use in it either.
  if (status === 404) throw unavailable("notFound", { about, status, says: "Vault has no current value" });
  const { data } = (body ?? {}) as { data?: Data };
  const { version, created_time: createdAt } = data?.metadata ?? {};
  const fields = data?.data;
  const isKnown = typeof version === "number" && typeof createdAt === "string" && typeof fields === "object";
  if (status !== 200 || !isKnown || fields === null)
    throw unavailable("refused", { about, status, says: `Vault answered ${status}, and nothing readable` });
  return { number: version, createdAt, fields: fields as VaultVersion["fields"] };
}

interface Told {
  about: string;
  status?: number | undefined;
  code?: string | undefined;
  says: string;
}

/** The client's own error, in the words of this store. */
export function unavailable(reason: UnavailableReason, { says, ...details }: Told): UpstreamUnavailable {
  const error = new UpstreamUnavailable(reason, details);
  error.message = `${details.about}: ${says}`;
  return error;
}
