import { ProviderGarbled, ProviderUnavailable } from "../../core/errors.ts";
import type { VerifyResult } from "../../core/ports.ts";
import type { Secret } from "../../core/secret.ts";
import type { Http, HttpReply } from "../http.ts";
import { errorCode } from "./replies.ts";

const KEY = /^[\x21-\x7e]{1,512}$/;

/** Lists the models with the key itself: free of charge, and a use of the key. */
export async function verify(
  secret: Secret,
  { http, baseUrl }: { http: Http; baseUrl: string },
): Promise<VerifyResult> {
  const text = secret.reveal();
  // Whatever this is, it was never sent: that must not count as a refusal, which would prove a key dead.
  if (!KEY.test(text)) return "inconclusive";
  try {
    const headers = { authorization: `Bearer ${text}` };
    return verdict(await http.send({ method: "GET", url: `${baseUrl}/models`, headers }));
  } catch (error) {
    if (error instanceof ProviderUnavailable || error instanceof ProviderGarbled) return "inconclusive";
    throw error;
  }
}

/** A 401 or 403 counts only in OpenAI's own words: a proxy on the way knows nothing about the key. */
function verdict(reply: HttpReply): VerifyResult {
  const code = errorCode(reply);
  switch (reply.status) {
    case 200:
      return isObject(reply.json) && code === undefined ? "valid" : "inconclusive";
    case 401:
      if (code === "ip_not_authorized") return "notPermitted";
      return code === undefined ? "inconclusive" : "refused";
    case 403:
      return code === undefined ? "inconclusive" : "notPermitted";
    case 429:
      return code === "insufficient_quota" ? "valid" : "inconclusive";
    default:
      return "inconclusive";
  }
}

const isObject = (json: unknown): boolean =>
  typeof json === "object" && json !== null && !Array.isArray(json);
