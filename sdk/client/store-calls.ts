import type { Fetch } from "./credentials.ts";
import { OptionInvalid, type UnavailableReason, UpstreamUnavailable } from "./errors.ts";
import type { Calls, Reading, Transport } from "./transport.ts";

/** What every store outside AWS is read with: one bounded request, one token, one place in the client. */

export interface Ask {
  /** The secret that is asked for, in errors. */
  secret: string;
  signal: AbortSignal;
}

export interface Request {
  method: "GET" | "POST";
  headers: Readonly<Record<string, string>>;
  body?: string | undefined;
}

/** The store's name, and what to look at where it cannot be reached. */
export interface Words {
  store: string;
  see: string;
  /** What other answers say that it will answer later, or that another server has to be asked. */
  away?: (status: number) => string | undefined;
}

export interface Reply {
  status: number;
  /** Undefined for what is no JSON: a proxy's page says nothing. */
  body: unknown;
}

interface Line {
  fetch: Fetch;
  words: Words;
}

const bytesMax = 1024 * 1024;

/** Throws what may pass. Redirects are answers: a token is sent to no address that the store names. */
export async function askJson(
  url: string,
  { secret: about, signal, ...sent }: Ask & Request,
  { fetch, words }: Line,
): Promise<Reply> {
  const answered = await fetch(url, { ...sent, body: sent.body ?? null, signal, redirect: "manual" })
    .then(async (response) => {
      const { status } = response;
      const says = words.away?.(status) ?? (status >= 500 ? `is not answering (${status})` : undefined);
      if (says === undefined && status !== 429) return { status, body: await boundedJson(response) };
      await response.body?.cancel();
      const reason = says === undefined ? "throttled" : "server";
      return unavailable(reason, {
        about,
        status,
        says: `${words.store} ${says ?? "is asked too often (429)"}`,
      });
    })
    .catch((error: unknown) => {
      const code = /^E[A-Z_]+$/.exec(`${(error as { cause?: { code?: unknown } }).cause?.code}`)?.[0];
      const says = `${words.store} cannot be reached${code ? ` (${code})` : ""}: ${words.see}`;
      return unavailable(signal.aborted ? "timeout" : "network", { about, code, says });
    });
  if (answered instanceof UpstreamUnavailable) throw answered;
  return answered;
}

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

interface Told {
  about: string;
  status?: number | undefined;
  code?: string | undefined;
  says: string;
}

/** The client's own error, in the words of the store. */
export function unavailable(reason: UnavailableReason, { says, ...details }: Told): UpstreamUnavailable {
  const error = new UpstreamUnavailable(reason, details);
  error.message = `${details.about}: ${says}`;
  return error;
}

export interface Token {
  text: string;
  /** When it is replaced; Infinity for one that does not end. */
  dueAtMs: number;
  /** Absent where nothing says when it ends. */
  endsAtMs?: number;
}

export interface HeldToken {
  get(asked: Ask): Promise<string>;
  refused(): void;
}

/** One token for a process: whoever asks while a login is under way waits for it. */
export function heldToken<T extends Token>(world: {
  wallMs(): number;
  login(asked: Ask): Promise<T>;
  renew?(token: T, asked: Ask): Promise<T>;
}): HeldToken {
  const { wallMs, login, renew } = world;
  let held: Promise<T> | undefined;
  const hold = (next: Promise<T>): Promise<T> => {
    held = next;
    next.catch(() => {
      if (held === next) held = undefined;
    });
    return next;
  };
  return {
    async get(asked) {
      const seen = held ?? hold(login(asked));
      const token = await seen;
      if (wallMs() < token.dueAtMs) return token.text;
      const next = held && held !== seen ? held : hold(renew ? renew(token, asked) : login(asked));
      return (await next).text;
    },
    refused() {
      held = undefined;
    },
  };
}

/** A token may end before its time: after a refusal one new login is tried. */
export async function askWithToken(
  url: string,
  asked: Ask,
  { token, ...line }: Line & { token: HeldToken },
): Promise<Reply> {
  const get = async () => {
    const headers = { authorization: `Bearer ${await token.get(asked)}` };
    return askJson(url, { ...asked, method: "GET", headers }, line);
  };
  const first = await get();
  if (first.status !== 401) return first;
  token.refused();
  return get();
}

/** The file is read at each login, because what issues the text replaces it. */
export async function textOf(
  text: string | undefined,
  file: string | undefined,
  { store, name }: { store: string; name: string },
): Promise<string> {
  const { readFile } = process.getBuiltinModule("node:fs/promises");
  const read = file ? await readFile(file, "utf8").catch(() => "") : "";
  const value = (text || read).trim();
  if (!value) throw new OptionInvalid(`there is nothing to log in to ${store} with: see ${name}`);
  return value;
}

/** A token and keys go over this connection, so it is encrypted, or does not leave this host. */
const trusted = /^(https:\/\/[\w.:[\]-]+|http:\/\/(localhost|127(\.\d+){3}|\[::1])(:\d+)?)$/;

export function trustedAddress(text: string, name: string): string {
  const address = text.trim().replace(/\/+$/, "");
  if (!trusted.test(address))
    throw new OptionInvalid(`${name} has to be https://host[:port]: a token is sent there`);
  // NODE_OPTIONS can lower it for a whole process.
  const { DEFAULT_MIN_VERSION: lowest } = process.getBuiltinModule("node:tls");
  if (/^TLSv1(\.1)?$/.test(lowest) && address.startsWith("https:"))
    throw new OptionInvalid(`this process allows ${lowest}: start it without --tls-min-v1.0 or 1.1`);
  return address;
}

interface Store {
  /** How references of this store begin. */
  scheme: string;
  name: string;
  read(secret: string, signal: AbortSignal): Promise<Reading>;
}

/** Secrets of this scheme are read in the store; all else goes where it went. */
export function storeTransport({ scheme, name, read }: Store, elsewhere: Transport): Transport {
  const call = async (target: keyof Calls, input: object, signal: AbortSignal): Promise<unknown> => {
    const { SecretId = "", ...version } = input as { SecretId?: string };
    if (!SecretId.startsWith(scheme)) return elsewhere(target, input as never, signal);
    const reading = await read(SecretId, signal);
    // A consumer may not look at what is pending, so the current version is all that is known.
    if (target === "secretsmanager.DescribeSecret")
      return { VersionIdsToStages: { [reading.VersionId]: ["AWSCURRENT"] } };
    const { VersionId, VersionStage } = version as { VersionId?: string; VersionStage?: string };
    const isCurrent = (VersionId ?? reading.VersionId) === reading.VersionId;
    if (isCurrent && (VersionStage ?? "AWSCURRENT") === "AWSCURRENT") return reading;
    throw unavailable("notFound", { about: SecretId, says: `only the current version is read in ${name}` });
  };
  return call as Transport;
}
