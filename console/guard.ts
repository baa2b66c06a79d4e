import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** Sent with every answer. The page may load its own three files, talk to its own server, and nothing else. */
export const securityHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join("; "),
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-store",
};

export interface Guard {
  /** For the address that is shown to the person. Good for one exchange. */
  readonly token: string;
  /** Why this request gets no answer; undefined if it may have one. */
  whyRefused(request: Pick<IncomingMessage, "headers" | "method">, place: Place): string | undefined;
  /** The Set-Cookie header for whoever brings the token, once. */
  exchange(token: unknown): string | undefined;
}

/** `page`: the three files, which hold no data. `session`: the exchange. `data`: needs the cookie. */
export type Place = "page" | "session" | "data";

const ofOurPage = new Set(["same-origin"]);
/** `none`: the person typed or clicked the address outside a page. */
const ofPersonOrPage = new Set(["same-origin", "none"]);

/**
 * Other pages in the same browser, other programs' ports and other names that lead to 127.0.0.1 must not reach the
 * data. Cookies do not know ports, so the cookie alone proves nothing: Host, Origin and Sec-Fetch-Site have to be
 * exactly what a browser sends for this page.
 */
export function guard(host: string): Guard {
  const token = secret();
  const session = secret();
  const cookieName = `rekey-console-${host.split(":")[1] ?? ""}`;
  let isSpent = false;

  return {
    token,

    whyRefused({ headers, method }, place) {
      if (headers.host !== host) return "the host is not this console";
      const { origin } = headers;
      if (origin !== undefined && origin !== `http://${host}`) return "the request comes from another page";
      const site = headers["sec-fetch-site"];
      if (place === "page")
        return site === undefined || ofPersonOrPage.has(String(site)) ? undefined : "another page links here";
      if (!ofOurPage.has(String(site))) return "the request does not come from this page";
      if (method === "POST" && origin === undefined) return "the request does not say its origin";
      if (place === "session") return undefined;
      return isSame(cookieIn(headers.cookie, cookieName), session) ? undefined : "there is no session";
    },

    exchange(brought) {
      if (isSpent || typeof brought !== "string" || !isSame(brought, token)) return undefined;
      isSpent = true;
      return `${cookieName}=${session}; Path=/; HttpOnly; SameSite=Strict`;
    },
  };
}

function secret(): string {
  return randomBytes(32).toString("base64url");
}

/** Hashed first, so that both have the same length and the time tells nothing about it. */
function isSame(brought: string, expected: string): boolean {
  const hash = (text: string) => createHash("sha256").update(text).digest();
  return timingSafeEqual(hash(brought), hash(expected));
}

/** Another program on this machine may have set a cookie of the same name: only one is expected. */
function cookieIn(header: string | undefined, name: string): string {
  const values = (header ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`));
  return values.length === 1 ? (values[0] ?? "").slice(name.length + 1) : "";
}
