import { createSign } from "node:crypto";
import * as z from "zod";
import { AdminCredentialRefused } from "../../core/errors.ts";
import type { Secret } from "../../core/secret.ts";
import type { Http } from "../http.ts";
import { credentialFields, exchangeForToken } from "../token-exchange.ts";
import type { GoogleSettings } from "./settings.ts";

const lifetimeS = 3_600;

const ServiceAccount = z.object({
  client_email: z.string().max(256),
  private_key: z.string().max(8192),
  private_key_id: z.string().max(128).exactOptional(),
});

/** A service account's key file is exchanged for a token; its own `token_uri` is not followed. */
export function googleToken(
  credential: Secret,
  { settings, http }: { readonly settings: GoogleSettings; readonly http: Http },
): Promise<Secret> {
  const account = credentialFields("google", { schema: ServiceAccount, credential });
  const nowS = Math.floor(Date.now() / 1000);
  const claims = {
    ...{ iss: account.client_email, aud: `${settings.tokenUrl}/token`, iat: nowS, exp: nowS + lifetimeS },
    scope: "https://www.googleapis.com/auth/cloud-platform",
  };
  const header = { alg: "RS256", typ: "JWT", ...(account.private_key_id && { kid: account.private_key_id }) };
  const content = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString("base64url"))
    .join(".");
  return exchangeForToken({
    ...{ kind: "google", http, url: `${settings.tokenUrl}/token` },
    form: {
      grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
      assertion: `${content}.${signed(content, account.private_key)}`,
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
