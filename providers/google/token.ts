import { createSign } from "node:crypto";
import { AdminCredentialRefused } from "../../core/errors.ts";
import type { Secret } from "../../core/secret.ts";
import type { Http } from "../http.ts";
import { exchangeForToken } from "../token-exchange.ts";
import type { GoogleSettings } from "./settings.ts";

const lifetimeS = 3_600;

/** Signs a statement with the private key of the service account that Rekey acts as, and gets a token for it. */
export function googleToken(
  credential: Secret,
  { settings, http }: { readonly settings: GoogleSettings; readonly http: Http },
): Promise<Secret> {
  const nowS = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: settings.manager, aud: `${settings.tokenUrl}/token`, iat: nowS, exp: nowS + lifetimeS },
    scope: "https://www.googleapis.com/auth/cloud-platform",
  };
  const header = { alg: "RS256", typ: "JWT" };
  const content = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return exchangeForToken({
    ...{ kind: "google", http, url: `${settings.tokenUrl}/token` },
    form: {
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: `${content}.${signed(content, credential.reveal())}`,
    },
  });
}

/** The library's own error may quote the private key. */
function signed(content: string, privateKey: string): string {
  try {
    return createSign("RSA-SHA256").update(content).sign(privateKey, "base64url");
  } catch {
    throw new AdminCredentialRefused("the private key in google's admin credential cannot sign");
  }
}
