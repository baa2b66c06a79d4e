import { declaredProvider } from "../http/declared.ts";

/** Facts: exa.ai/docs, team-management and error codes, 2026-11. */
export const exa = declaredProvider({
  kind: "exa",
  title: "Exa",
  keyTexts: [],
  unmarked: [{ alphabet: "base64url", length: { min: 20, max: 64 } }],
  neverIssued: "00000000-fa4e-4000-8000-000000000000",
  byHand: { console: "https://dashboard.exa.ai/api-keys" },
  baseUrl: "https://admin-api.exa.ai/team-management",
  keyBaseUrl: "https://api.exa.ai",
  parameters: {
    rateLimit: { about: "requests per minute of a new key", isOptional: true },
    budget: { about: "what a new key may spend, in cents", isOptional: true },
  },
  declaration: {
    admin: { headers: { "x-api-key": "{{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/api-keys", keyId: "/apiKey/publicId", secret: "/apiKey/secret" },
      body: { name: "{{name}}", rateLimit: "{{rateLimit}}", budget: "{{budget}}" },
    },
    list: {
      // Never `id`: in older replies it is the key itself.
      ...{ method: "GET", path: "/api-keys", items: "/apiKeys", keyId: "/publicId", name: "/name" },
      paging: { kind: "none" },
    },
    verify: {
      ...{ method: "POST", path: "/search", headers: { "x-api-key": "{{key}}" } },
      body: { query: "rekey", numResults: 1 },
      table: [
        { status: 200, where: [{ at: "/results", type: "list" }], means: "valid" },
        {
          status: 402,
          where: [{ at: "/tag", is: ["NO_MORE_CREDITS", "API_KEY_BUDGET_EXCEEDED"] }],
          means: "notPermitted",
        },
        { status: 401, where: [{ at: "/tag", is: ["INVALID_API_KEY"] }], means: "refused" },
      ],
    },
    revoke: { method: "DELETE", path: "/api-keys/{{keyId}}" },
  },
  docs: {
    about:
      "API keys of one team; the admin credential is a service key, which Exa enables for a team on request.",
    limits: [
      "A verification is a search with one result, which costs a fraction of a cent.",
      "A list shows no part of a key, so the first one has to be named as currentKeyId.",
      "Its rotation with grace keeps the key's id, so Rekey makes keys side by side instead.",
    ],
  },
});
