import { declaredProvider } from "../http/declared.ts";

/** Facts: ElevenLabs' client 2.73 and elevenlabs.io/docs, 2026-11. */
export const elevenlabs = declaredProvider({
  kind: "elevenlabs",
  title: "ElevenLabs",
  keyTexts: [{ prefix: "sk_", alphabet: "hex", length: { min: 48, max: 48 } }],
  byHand: { console: "https://elevenlabs.io/app/settings/api-keys" },
  baseUrl: "https://api.elevenlabs.io",
  parameters: {
    serviceAccount: { about: "the service account's user id: new keys are its own" },
    characterLimit: { about: "how many characters a new key may use a month", isOptional: true },
  },
  declaration: {
    admin: { headers: { "xi-api-key": "{{admin}}" } },
    mint: {
      ...{ method: "POST", path: "/v1/service-accounts/{{serviceAccount}}/api-keys" },
      body: { name: "{{name}}", permissions: "all", character_limit: "{{characterLimit}}" },
      ...{ keyId: "/key_id", secret: "/xi-api-key" },
    },
    list: {
      ...{ method: "GET", path: "/v1/service-accounts/{{serviceAccount}}/api-keys" },
      ...{ items: "/api-keys", keyId: "/key_id", name: "/name", hint: { last: "/hint" } },
      ...{ disabled: [{ at: "/is_disabled", is: [true] }], paging: { kind: "none" } },
    },
    verify: {
      ...{ method: "GET", path: "/v1/user", headers: { "xi-api-key": "{{key}}" } },
      table: [
        { status: 200, where: [{ at: "/subscription", type: "object" }], means: "valid" },
        { status: 401, where: [{ at: "/detail/status", is: ["quota_exceeded"] }], means: "valid" },
        {
          status: 401,
          where: [{ at: "/detail/status", is: ["missing_permissions", "detected_unusual_activity"] }],
          means: "notPermitted",
        },
        { status: 400, where: [{ at: "/detail/status", is: ["invalid_api_key"] }], means: "refused" },
        { status: 401, where: [{ at: "/detail/status", is: ["invalid_api_key"] }], means: "refused" },
      ],
    },
    quarantine: {
      disable: {
        ...{ method: "PATCH", path: "/v1/service-accounts/{{serviceAccount}}/api-keys/{{keyId}}" },
        body: { is_enabled: false },
      },
      restore: {
        ...{ method: "PATCH", path: "/v1/service-accounts/{{serviceAccount}}/api-keys/{{keyId}}" },
        body: { is_enabled: true },
      },
    },
    revoke: { method: "DELETE", path: "/v1/service-accounts/{{serviceAccount}}/api-keys/{{keyId}}" },
    errors: {
      codeAt: ["/detail/status"],
      codes: [
        ...["invalid_api_key", "missing_permissions", "quota_exceeded", "detected_unusual_activity"],
        ...["max_api_keys_reached", "not_found"],
      ],
      quotaCodes: ["max_api_keys_reached"],
    },
  },
  docs: {
    about:
      "Keys of one service account live beside each other; the admin credential belongs to a workspace admin.",
    limits: [
      "A new key gets all of the service account's permissions: limit the account, not the key.",
      "Some pages say that a change needs all fields of a key; then a quarantine is refused, and the key stays as it is.",
    ],
  },
});
