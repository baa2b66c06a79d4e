import { declaredProvider } from "../http/declared.ts";

/** Facts: docs.fireworks.ai, create-api-key, list-api-keys and delete-api-key, 2026-11. */
export const fireworks = declaredProvider({
  kind: "fireworks",
  title: "Fireworks AI",
  keyTexts: [{ prefix: "fw_", alphabet: "letters", length: { min: 20, max: 64 } }],
  byHand: { console: "https://app.fireworks.ai/settings/users/api-keys" },
  baseUrl: "https://api.fireworks.ai",
  parameters: {
    account: { about: "the account's id" },
    user: { about: "the id of the user or service account that keys belong to" },
  },
  declaration: {
    admin: { headers: { authorization: "Bearer {{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/v1/accounts/{{account}}/users/{{user}}/apiKeys" },
      ...{ body: { apiKey: { displayName: "{{name}}" } }, keyId: "/keyId", secret: "/key" },
    },
    list: {
      ...{ method: "GET", path: "/v1/accounts/{{account}}/users/{{user}}/apiKeys" },
      ...{ items: "/apiKeys", keyId: "/keyId", name: "/displayName", hint: { first: "/prefix" } },
      ...{
        createdAt: "/createTime",
        expiresAt: "/expireTime",
        paging: { kind: "none", count: "/totalSize" },
      },
    },
    verify: {
      ...{ method: "GET", path: "/inference/v1/models", headers: { authorization: "Bearer {{key}}" } },
      table: [
        { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
        { status: 401, where: [{ at: "", type: "object" }], means: "refused" },
      ],
    },
    revoke: {
      ...{ method: "POST", path: "/v1/accounts/{{account}}/users/{{user}}/apiKeys:delete" },
      body: { keyId: "{{keyId}}" },
    },
  },
  docs: {
    about: "Keys of a user or a service account, made and deleted by its API.",
    limits: [
      "What it answers to a dead key is not documented: any 401 with a JSON body counts.",
      "It tells no last use, so consumers have to testify.",
    ],
  },
});
