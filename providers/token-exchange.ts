import * as z from "zod";
import {
  AdminCredentialRefused,
  ProviderGarbled,
  ProviderThrottled,
  ProviderUnavailable,
} from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import type { Http } from "./http.ts";
import { retryAfterMs } from "./reply-text.ts";

const TokenReply = z.object({ access_token: z.string().regex(/^[\x21-\x7e]{1,8192}$/) });

/** Asks an OAuth token endpoint, which takes a form and answers with a token. */
export async function exchangeForToken(exchange: {
  /** Whose endpoint it is, for messages. */
  readonly kind: string;
  readonly http: Http;
  readonly url: string;
  readonly form: Readonly<Record<string, string>>;
}): Promise<Secret> {
  const { kind, http, url, form } = exchange;
  const reply = await http.send({ method: "POST", url, headers: {}, form });
  const { status, json } = reply;
  if (status === 400 || status === 401 || status === 403) {
    throw new AdminCredentialRefused(`${kind} gave no token for the admin credential: ${status}`);
  }
  if (status === 429) {
    throw new ProviderThrottled(`${kind} asks to wait for a token`, { retryAfterMs: retryAfterMs(reply) });
  }
  if (status !== 200) throw new ProviderUnavailable(`${kind} gave no token: ${status}`);
  const parsed = TokenReply.safeParse(json);
  if (!parsed.success) throw new ProviderGarbled(`${kind} answered something else than a token`);
  return new Secret(parsed.data.access_token);
}
