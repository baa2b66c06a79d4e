import { declaredProvider } from "../http/declared.ts";

/** Facts: Neon's client 2.7.3, 2026-11. */
export const neon = declaredProvider({
  kind: "neon",
  title: "Neon",
  keyTexts: [{ prefix: "napi_", alphabet: "letters", length: { min: 40, max: 72 } }],
  byHand: { console: "https://console.neon.tech/app/settings/api-keys" },
  baseUrl: "https://console.neon.tech/api/v2",
  parameters: {
    organization: { about: "the organisation's id, org-..." },
    project: { about: "the project that a new key is limited to", isOptional: true },
  },
  declaration: {
    admin: { headers: { authorization: "Bearer {{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/organizations/{{organization}}/api_keys" },
      ...{ body: { key_name: "{{name}}", project_id: "{{project}}" }, keyId: "/id", secret: "/key" },
    },
    list: {
      ...{ method: "GET", path: "/organizations/{{organization}}/api_keys", items: "", keyId: "/id" },
      ...{ name: "/name", createdAt: "/created_at", lastUsedAt: "/last_used_at", paging: { kind: "none" } },
    },
    verify: {
      ...{ method: "GET", path: "/projects", query: { org_id: "{{organization}}" } },
      headers: { authorization: "Bearer {{key}}" },
      table: [
        { status: 200, where: [{ at: "/projects", type: "list" }], means: "valid" },
        { status: 403, where: [{ at: "/message", type: "string" }], means: "notPermitted" },
        { status: 401, where: [{ at: "/message", type: "string" }], means: "refused" },
      ],
    },
    revoke: {
      ...{ method: "DELETE", path: "/organizations/{{organization}}/api_keys/{{keyId}}" },
      confirmed: [{ at: "/revoked", is: [true] }],
    },
  },
  docs: {
    about: "API keys of one organisation, for all of it or for one project.",
    limits: [
      "A list shows no part of a key, so the first one has to be named as currentKeyId.",
      "What it answers to a dead key is not documented: any 401 with a message counts.",
    ],
  },
});
