import type { CopySeen, PlaceRefusal } from "../core/copies/destination.ts";
import { type ConnectOptions, type HttpReply, type HttpRequest, refusalOf } from "./destination.ts";

export interface ApiCall extends Pick<HttpRequest, "method" | "body"> {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Statuses that are answers and no failures. */
  readonly takes?: readonly number[];
  readonly what: string;
}

export interface Api {
  /** Any status in 200 to 299 or `takes`; throws otherwise. */
  call(call: ApiCall): Promise<HttpReply>;
  /** Undefined if the token is accepted for this read; whatever else is wrong is thrown. */
  whyRefused(call: ApiCall): Promise<{ readonly refusal: PlaceRefusal } | { readonly reply: HttpReply }>;
}

/** Calls with a token. One that is refused is read again once: it may have been replaced. */
export function apiOf(
  options: Pick<ConnectOptions, "http" | "token">,
  { origin, headersFor }: { readonly origin: string; headersFor(token: string): Record<string, string> },
): Api {
  const send = async (call: ApiCall, afresh: boolean) => {
    const token = await options.token({ afresh });
    const headers = { accept: "application/json", ...call.headers, ...headersFor(token.reveal()) };
    const { method, path, body } = call;
    return options.http.send({
      method,
      url: `${origin}${path}`,
      headers,
      ...(body !== undefined && { body }),
    });
  };
  const sent = async (call: ApiCall) => {
    const first = await send(call, false);
    return isRefused(first) ? send(call, true) : first;
  };
  return {
    async call(call) {
      const reply = await sent(call);
      if (isFine(reply) || call.takes?.includes(reply.status)) return reply;
      throw refusalOf(reply, call.what);
    },
    async whyRefused(call) {
      const reply = await sent(call);
      if (isFine(reply)) return { reply };
      const { status } = reply;
      if (isRefused(reply))
        return {
          refusal: { reason: "CredentialRefused", detail: `the token may not do this: ${call.what}` },
        };
      if (status === 404)
        return {
          refusal: { reason: "WrongPlace", detail: `the token leads to no such place: ${call.what}` },
        };
      throw refusalOf(reply, call.what);
    },
  };
}

function isFine({ status }: HttpReply): boolean {
  return status >= 200 && status <= 299;
}

/** Some places say 403 of a token that is none, as others do of one that may not do this. */
function isRefused({ status }: HttpReply): boolean {
  return status === 401 || status === 403;
}

/** The place's own clock, as a reply tells it; nothing where it does not. */
export function clockOf({ headers }: HttpReply): Pick<CopySeen, "placeNowMs"> {
  const placeNowMs = Date.parse(headers["date"] ?? "");
  return Number.isFinite(placeNowMs) ? { placeNowMs } : {};
}

/** When the place says that the value was changed; nothing for a text that is no time. */
export function changedAt(text: string): Pick<CopySeen, "changedAtMs"> {
  const changedAtMs = Date.parse(text);
  return Number.isFinite(changedAtMs) ? { changedAtMs } : {};
}

export function wrongPlace(detail: string): PlaceRefusal {
  return { reason: "WrongPlace", detail };
}
