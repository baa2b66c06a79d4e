import {
  AdminCredentialRefused,
  ProviderGarbled,
  ProviderThrottled,
  ProviderUnavailable,
  type RotationError,
  WrongProject,
} from "../../core/errors.ts";
import type { Http, HttpReply, HttpRequest } from "../http.ts";
import type { AdminCredential } from "../provider.ts";
import { retryAfterMs } from "../reply-text.ts";
import { outcomeOf } from "./replies.ts";

export interface AdminCall {
  readonly method: HttpRequest["method"];
  /** After the base URL, with its ids already checked. */
  readonly path: string;
  readonly body?: unknown;
}

export interface AdminApi {
  /**
   * Any reply but a 401. After a 401 the call is repeated once with a fresh credential, then it throws
   * AdminCredentialRefused.
   */
  send(call: AdminCall): Promise<HttpReply>;
  /** The JSON reply of a call that has to succeed. */
  read(path: string): Promise<HttpReply>;
}

const CREDENTIAL = /^[\x21-\x7e]{1,512}$/;

export function adminApi(options: {
  readonly baseUrl: string;
  readonly admin: AdminCredential;
  readonly http: Http;
}): AdminApi {
  const { baseUrl, admin, http } = options;

  async function sendOnce({ method, path, body }: AdminCall): Promise<HttpReply> {
    const credential = (await admin.get()).reveal();
    if (!CREDENTIAL.test(credential)) throw new AdminCredentialRefused("the admin credential is not a key");
    const request: HttpRequest = {
      method,
      url: `${baseUrl}${path}`,
      headers: { authorization: `Bearer ${credential}` },
    };
    return http.send(body === undefined ? request : { ...request, body });
  }

  async function send(call: AdminCall): Promise<HttpReply> {
    const reply = await sendOnce(call);
    if (reply.status !== 401) return reply;
    admin.refused();
    const again = await sendOnce(call);
    if (again.status !== 401) return again;
    admin.refused();
    throw new AdminCredentialRefused(`openai refused the admin credential: ${outcomeOf(again)}`);
  }

  return {
    send,
    async read(path) {
      const reply = await send({ method: "GET", path });
      if (!isOk(reply)) throw failureOf(reply);
      return reply;
    },
  };
}

export const isOk = ({ status }: HttpReply): boolean => status >= 200 && status < 300;

/** The error for a failed reply to a call that may be repeated. */
export function failureOf(reply: HttpReply): RotationError {
  const { status } = reply;
  const outcome = outcomeOf(reply);
  if (status === 429)
    return new ProviderThrottled(`openai asks to wait: ${outcome}`, { retryAfterMs: retryAfterMs(reply) });
  if (status === 408 || status >= 500) return new ProviderUnavailable(`openai is unavailable: ${outcome}`);
  if (status === 403 || status === 404) {
    return new WrongProject(`openai does not show the project to the admin credential: ${outcome}`);
  }
  return new ProviderGarbled(`openai answered what its protocol does not say: ${outcome}`);
}
