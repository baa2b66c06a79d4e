import {
  AdminCredentialRefused,
  MintOutcomeUnknown,
  PolicyInvalid,
  ProviderGarbled,
  ProviderThrottled,
  ProviderUnavailable,
  QuotaReached,
  type RotationError,
  WrongProject,
} from "../core/errors.ts";
import type { Http, HttpReply, HttpRequest } from "./http.ts";
import type { AdminCredential } from "./provider.ts";
import { retryAfterMs } from "./reply-text.ts";
import { valueAt } from "./verify-table.ts";

export interface AdminCall {
  readonly method: HttpRequest["method"];
  /** After the base URL, with its ids already checked. */
  readonly path: string;
  readonly body?: unknown;
  /** Sent in place of `body`. */
  readonly form?: Readonly<Record<string, string>>;
}

/** How one issuer's admin API is called, and where its error replies keep their machine code. */
export interface AdminDialect {
  /** The issuer's kind, for messages. */
  readonly kind: string;
  readonly baseUrl: string;
  /** What it hides from a credential of somewhere else; "these keys" if it is not said. */
  readonly shows?: string;
  headers(credential: string): Readonly<Record<string, string>>;
  /** JSON pointers; the first one that holds a known code counts. */
  readonly codeAt: readonly string[];
  /** A closed list: an unknown code is text of the provider's choice, and could quote a key. */
  readonly codes: readonly (string | number)[];
  /** Those of `codes` that say that there may be no more keys. */
  readonly quotaCodes?: readonly (string | number)[];
}

export interface AdminApi {
  readonly kind: string;
  /** Any reply but a 401: that is retried once with a fresh credential, then AdminCredentialRefused. */
  send(call: AdminCall): Promise<HttpReply>;
  /** The reply of a GET that has to succeed. */
  read(path: string): Promise<HttpReply>;
  /** A reply that says success. Any answer that does not say clearly whether a key was made is MintOutcomeUnknown. */
  mint(call: AdminCall): Promise<HttpReply>;
  /** What a reply other than success means for a call that may be repeated. */
  failureOf(reply: HttpReply): RotationError;
  /** All of a reply that may enter a message. */
  outcomeOf(reply: HttpReply): string;
}

const credentialText = /^[\x21-\x7e]{1,8192}$/;

export const isOk = ({ status }: HttpReply): boolean => status >= 200 && status < 300;

export function adminApi(
  dialect: AdminDialect,
  { admin, http }: { readonly admin: AdminCredential; readonly http: Http },
): AdminApi {
  const { kind, baseUrl } = dialect;
  const words = wordsOf(dialect);

  async function sendOnce({ method, path, ...content }: AdminCall): Promise<HttpReply> {
    const credential = (await admin.get()).reveal();
    if (!credentialText.test(credential)) {
      throw new AdminCredentialRefused(`the admin credential of ${kind} is not a key`);
    }
    return http.send({
      ...{ method, url: `${baseUrl}${path}` },
      ...{ headers: dialect.headers(credential), ...content },
    });
  }

  async function send(call: AdminCall): Promise<HttpReply> {
    const reply = await sendOnce(call);
    if (reply.status !== 401) return reply;
    admin.refused();
    const again = await sendOnce(call);
    if (again.status !== 401) return again;
    admin.refused();
    throw new AdminCredentialRefused(`${kind} refused the admin credential: ${words.outcomeOf(again)}`);
  }

  return {
    ...words,
    kind,
    send,
    async read(path) {
      const reply = await send({ method: "GET", path });
      if (!isOk(reply)) throw words.failureOf(reply);
      return reply;
    },
    async mint(call) {
      const reply = await send(call).catch((error: unknown) => outcomeUnknown(kind, error));
      if (!isOk(reply)) throw words.whyNotMinted(reply);
      return reply;
    },
  };
}

function outcomeUnknown(kind: string, error: unknown): never {
  if (error instanceof ProviderUnavailable || error instanceof ProviderGarbled) {
    throw new MintOutcomeUnknown(`no usable answer of ${kind} to the mint: ${error.message}`);
  }
  throw error;
}

/** Statuses with which an issuer refuses a request before it has an effect. */
const refusals = [400, 402, 403, 404, 405, 409, 422, 429];

function wordsOf({ kind, shows = "these keys", codeAt, codes, quotaCodes = [] }: AdminDialect) {
  const codeOf = ({ json }: HttpReply): string | number | undefined =>
    codeAt
      .map((pointer) => valueAt(json, pointer))
      .map((value) => codes.find((code) => code === value))
      .find((code) => code !== undefined);

  const outcomeOf = (reply: HttpReply): string =>
    `${reply.status} ${codeOf(reply) ?? "without a known code"}`;

  function failureOf(reply: HttpReply): RotationError {
    const { status } = reply;
    const outcome = outcomeOf(reply);
    if (status === 429) {
      return new ProviderThrottled(`${kind} asks to wait: ${outcome}`, { retryAfterMs: retryAfterMs(reply) });
    }
    if (status === 408 || status >= 500) return new ProviderUnavailable(`${kind} is unavailable: ${outcome}`);
    if (status === 403 || status === 404) {
      return new WrongProject(`${kind} does not show ${shows} to the admin credential: ${outcome}`);
    }
    return new ProviderGarbled(`${kind} answered what its protocol does not say: ${outcome}`);
  }

  function whyNotMinted(reply: HttpReply): RotationError {
    const { status } = reply;
    const outcome = outcomeOf(reply);
    if (!refusals.includes(status)) {
      return new MintOutcomeUnknown(`${kind} did not say whether it made the key: ${outcome}`);
    }
    const code = codeOf(reply);
    if (code !== undefined && quotaCodes.includes(code)) {
      return new QuotaReached(`${kind} refused another key: ${outcome}`);
    }
    if (status === 429 || status === 403 || status === 404) return failureOf(reply);
    return new PolicyInvalid(`${kind} refused the settings of the new key: ${outcome}`);
  }

  return { outcomeOf, failureOf, whyNotMinted };
}
