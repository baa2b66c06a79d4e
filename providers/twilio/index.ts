import { declaredProvider } from "../http/declared.ts";

/** Facts: Twilio's OpenAPI description iam_v1 of 2026-04 and twilio.com/docs/api/errors. */
export const twilio = declaredProvider({
  kind: "twilio",
  title: "Twilio",
  keyTexts: [],
  unmarked: [{ alphabet: "letters", length: { min: 32, max: 32 } }],
  neverIssued: "SKfa4e0000fa4e0000fa4e0000fa4e0000:FAKEneverIssuedFAKEneverIssuedFA",
  byHand: { console: "https://console.twilio.com/us1/account/keys-credentials/api-keys" },
  baseUrl: "https://iam.twilio.com",
  keyBaseUrl: "https://verify.twilio.com",
  parameters: {
    account: { about: "the account's SID, AC..." },
    keyType: { about: "`restricted`, with a policy; without it a key is a standard one", isOptional: true },
    policy: { about: "the policy of a restricted key, as JSON text", isOptional: true },
  },
  declaration: {
    admin: { headers: { authorization: { basic: "{{admin}}" } } },
    mint: {
      ...{ method: "POST", path: "/v1/Keys" },
      form: {
        ...{
          AccountSid: "{{account}}",
          FriendlyName: "{{name}}",
          KeyType: "{{keyType}}",
          Policy: "{{policy}}",
        },
      },
      ...{ keyId: "/sid", secret: { parts: ["/sid", "/secret"], joinedBy: ":" } },
    },
    list: {
      ...{ method: "GET", path: "/v1/Keys", query: { AccountSid: "{{account}}", PageSize: "100" } },
      ...{ items: "/keys", keyId: "/sid", name: "/friendly_name", idInKey: true, createdAt: "/date_created" },
      paging: { kind: "url", next: "/meta/next_page_url", params: ["PageToken", "Page"] },
    },
    verify: {
      ...{ method: "GET", path: "/v2/Services", headers: { authorization: { basic: "{{key}}" } } },
      table: [
        { status: 200, where: [{ at: "/services", type: "list" }], means: "valid" },
        { status: 401, where: [{ at: "/code", is: [70051] }], means: "notPermitted" },
        { status: 403, where: [{ at: "/code", is: [70051, 20403, 10001] }], means: "notPermitted" },
        { status: 401, where: [{ at: "/code", is: [20003] }], means: "refused" },
      ],
    },
    revoke: { method: "DELETE", path: "/v1/Keys/{{keyId}}" },
    errors: { codeAt: ["/code"], codes: [10001, 20003, 20403, 20404, 20429, 70051] },
  },
  docs: {
    about:
      "API keys of one account, stored as SID, colon, secret; the admin credential is a Main key in the same form.",
    limits: [
      "The code 20003 also comes to the keys of a suspended account and of another region.",
      "Main keys are made in the console only. It tells no last use, so consumers have to testify.",
    ],
  },
});
