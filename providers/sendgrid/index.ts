import { declaredProvider } from "../http/declared.ts";

/** Facts: SendGrid's OpenAPI description and its reports up to 2026-11. */
export const sendgrid = declaredProvider({
  kind: "sendgrid",
  title: "SendGrid",
  unscopedDoesAll: true,
  keyTexts: [{ prefix: "SG.", alphabet: "dotted", length: { min: 60, max: 76 } }],
  byHand: { console: "https://app.sendgrid.com/settings/api_keys" },
  baseUrl: "https://api.sendgrid.com",
  declaration: {
    admin: { headers: { authorization: "Bearer {{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/v3/api_keys", body: { name: "{{name}}", scopes: "{{scopes}}" } },
      ...{ keyId: "/api_key_id", secret: "/api_key" },
    },
    list: {
      ...{ method: "GET", path: "/v3/api_keys", query: { limit: "500" } },
      ...{ items: "/result", keyId: "/api_key_id", name: "/name", idInKey: true, paging: { kind: "none" } },
    },
    verify: {
      ...{ method: "GET", path: "/v3/scopes", headers: { authorization: "Bearer {{key}}" } },
      table: [
        { status: 200, where: [{ at: "/scopes", type: "list" }], means: "valid" },
        {
          status: 401,
          where: [{ at: "/errors/*/message", has: "Maximum credits exceeded" }],
          means: "notPermitted",
        },
        { status: 403, where: [{ at: "/errors/*/message", has: "access forbidden" }], means: "notPermitted" },
        {
          status: 401,
          where: [{ at: "/errors/*/message", has: "authorization grant is invalid, expired, or revoked" }],
          means: "refused",
        },
      ],
    },
    revoke: { method: "DELETE", path: "/v3/api_keys/{{keyId}}" },
  },
  docs: {
    about: "API keys of one account, beside each other, each with the scopes that the policy names.",
    limits: [
      "Without `scopes` in the policy or the provider's block a new key may do everything.",
      "At most 100 keys per account; a full one answers 403, as a missing permission does.",
      "For the EU set `baseUrl` to https://api.eu.sendgrid.com and name it in providerHosts.",
      "It tells no last use, so consumers have to testify.",
    ],
  },
});
