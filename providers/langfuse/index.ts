import { declaredProvider } from "../http/declared.ts";

/** Facts: Langfuse's Python client, 2026-08. */
export const langfuse = declaredProvider({
  kind: "langfuse",
  title: "Langfuse",
  keyTexts: [
    { prefix: "sk-lf-", alphabet: "base64url", length: { min: 36, max: 36 } },
    { prefix: "pk-lf-", alphabet: "base64url", length: { min: 36, max: 36 } },
  ],
  neverIssued: "pk-lf-00000000-fa4e-4000-8000-000000000000:sk-lf-00000000-fa4e-4000-8000-000000000000",
  byHand: {},
  baseUrl: "https://cloud.langfuse.com/api/public",
  parameters: { project: { about: "the project's id" } },
  declaration: {
    admin: { headers: { authorization: { basic: "{{admin}}" } } },
    mint: {
      ...{ method: "POST", path: "/projects/{{project}}/apiKeys", body: { note: "{{name}}" } },
      ...{ keyId: "/id", secret: { parts: ["/publicKey", "/secretKey"], joinedBy: ":" } },
    },
    list: {
      ...{ method: "GET", path: "/projects/{{project}}/apiKeys", items: "/apiKeys", keyId: "/id" },
      ...{ name: "/note", hint: { first: "/publicKey" }, createdAt: "/createdAt", lastUsedAt: "/lastUsedAt" },
      ...{ expiresAt: "/expiresAt", paging: { kind: "none" } },
    },
    verify: {
      ...{ method: "GET", path: "/projects", headers: { authorization: { basic: "{{key}}" } } },
      table: [
        { status: 200, where: [{ at: "/data", type: "list" }], means: "valid" },
        { status: 401, where: [{ at: "", type: "object" }], means: "refused" },
      ],
    },
    revoke: {
      ...{ method: "DELETE", path: "/projects/{{project}}/apiKeys/{{keyId}}" },
      confirmed: [{ at: "/success", is: [true] }],
    },
  },
  docs: {
    about:
      "Key pairs of one project, stored as public key, colon, secret key; the admin credential is an organisation's pair in the same form.",
    limits: [
      "For another region or your own server set `baseUrl`, and name its host in providerHosts.",
      "What it answers to a dead pair is not documented: any 401 with a JSON body counts.",
    ],
  },
});
