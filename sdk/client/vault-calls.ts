import type { CredentialSource, Fetch } from "./credentials.ts";
import {
  type Ask,
  askJson,
  heldToken,
  type Reply,
  type Token,
  unavailable,
  type Words,
} from "./store-calls.ts";
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

interface VaultToken extends Token {
  renewable: boolean;
}

/** Late enough to be rare, and early enough that a renewal may fail and be tried again; Vault's own clients do so, too. */
const renewedAfter = 0.7;
/** Such a server is on standby, recovering, sealed, or behind what was written: another one may answer. */
const elsewhere = [307, 308, 412, 429, 472, 473];

const words: Words = {
  store: "Vault",
  see: "see VAULT_ADDR, DNS and its certificate",
  away(status) {
    if (status === 503) return "is sealed or in maintenance (503)";
    return elsewhere.includes(status) ? `is not answering (${status})` : undefined;
  },
};

/** Reads in KV v2 with a token that is renewed, or got anew, in time. */
export function createVaultCalls(world: VaultWorld) {
  const { mount, wallMs } = world;

  const login = async (asked: Ask): Promise<VaultToken> => {
    const given = await loginBody(world.login, world);
    if ("token" in given) return { text: given.token, renewable: false, dueAtMs: Infinity };
    const fromMs = wallMs();
    const reply = await ask(given.path, { ...asked, body: given.body }, world);
    const token = tokenIn(reply, fromMs);
    if (token) return token;
    const says = `Vault refused the login by ${world.login.method}`;
    throw unavailable("denied", { about: asked.secret, status: reply.status, says });
  };

  /** Near the maximum life of a token Vault gives less than was asked for: then a new one is better. */
  const renewed = async ({ text, renewable }: VaultToken, asked: Ask): Promise<VaultToken | undefined> => {
    if (!renewable) return undefined;
    const fromMs = wallMs();
    const reply = await ask("auth/token/renew-self", { ...asked, body: {}, token: text }, world);
    const token = tokenIn(reply, fromMs);
    return token && token.dueAtMs > fromMs ? token : undefined;
  };

  const token = heldToken({
    ...{ wallMs, login },
    renew: async (known: VaultToken, asked) =>
      (await renewed(known, asked).catch(() => undefined)) ?? login(asked),
  });

  return {
    /** What a consumer is given that names no version. */
    async read(path: string, asked: Ask): Promise<VaultVersion> {
      const get = async () =>
        ask(`${mount}/data/${path}`, { ...asked, token: await token.get(asked) }, world);
      let reply = await get();
      // A token may have been revoked before its end; a policy's refusal looks the same.
      if (reply.status === 403) {
        token.refused();
        reply = await get();
      }
      return versionIn(reply, asked.secret);
    },
  };
}

export type VaultCalls = ReturnType<typeof createVaultCalls>;

/** Asks the first server of the cluster that answers. */
async function ask(
  path: string,
  { body, token, ...asked }: Ask & { body?: object; token?: string },
  { addresses, namespace, fetch }: VaultWorld,
): Promise<Reply> {
  const headers = {
    "x-vault-request": "true",
    ...(namespace && { "x-vault-namespace": namespace }),
    ...(token && { "x-vault-token": token }),
    ...(body && { "content-type": "application/json" }),
  };
  const sent = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body) } as const;
  let why: unknown;
  for (const address of addresses) {
    try {
      return await askJson(`${address}/v1/${path}`, { ...asked, ...sent }, { fetch, words });
    } catch (error) {
      why = error;
    }
  }
  throw why;
}

function tokenIn({ status, body }: Reply, fromMs: number): VaultToken | undefined {
  const { auth } = (body ?? {}) as { auth?: Record<string, unknown> | null };
  const { client_token: text, lease_duration: seconds, renewable } = auth ?? {};
  if (status !== 200 || typeof text !== "string" || !text) return undefined;
  const lifeMs = typeof seconds === "number" && seconds > 0 ? seconds * 1_000 : Infinity;
  return { text, renewable: renewable === true, dueAtMs: fromMs + lifeMs * renewedAfter };
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
