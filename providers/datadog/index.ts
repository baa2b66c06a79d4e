import { declaredProvider } from "../http/declared.ts";

/** Facts: docs.datadoghq.com, key management, and its client 1.64, 2026-11. */
export const datadog = declaredProvider({
  kind: "datadog",
  title: "Datadog",
  keyTexts: [],
  unmarked: [
    { alphabet: "hex", length: { min: 32, max: 32 } },
    { alphabet: "hex", length: { min: 40, max: 40 } },
  ],
  neverIssued: "fa4e0000fa4e0000fa4e0000fa4e0000",
  byHand: { console: "https://app.datadoghq.com/organization-settings/api-keys" },
  baseUrl: "https://api.datadoghq.com",
  declaration: {
    admin: { headers: { "dd-api-key": "{{admin.1}}", "dd-application-key": "{{admin.2}}" } },
    mint: {
      ...{ method: "POST", path: "/api/v2/api_keys" },
      body: { data: { type: "api_keys", attributes: { name: "{{name}}" } } },
      ...{ keyId: "/data/id", secret: "/data/attributes/key" },
    },
    list: {
      ...{ method: "GET", path: "/api/v2/api_keys", query: { "page[size]": "100" } },
      ...{ items: "/data", keyId: "/id", name: "/attributes/name", hint: { last: "/attributes/last4" } },
      ...{ createdAt: "/attributes/created_at", lastUsedAt: "/attributes/date_last_used" },
      paging: { kind: "page", param: "page[number]", first: 0, total: "/meta/page/total_filtered_count" },
    },
    verify: {
      ...{ method: "GET", path: "/api/v1/validate", headers: { "dd-api-key": "{{key}}" } },
      table: [
        { status: 200, where: [{ at: "/valid", is: [true] }], means: "valid" },
        { status: 403, where: [{ at: "/errors/0", is: ["Forbidden"] }], means: "refused" },
      ],
    },
    revoke: { method: "DELETE", path: "/api/v2/api_keys/{{keyId}}" },
  },
  docs: {
    about:
      "API keys of one organisation; the admin credential is an API key, a colon, and an application key with the scopes api_keys_read, api_keys_write and api_keys_delete.",
    limits: [
      "For another site than US1 set `baseUrl`, such as https://api.datadoghq.eu, and name it in providerHosts.",
      "The admin credential's own API key must not be one that is rotated.",
    ],
  },
});
