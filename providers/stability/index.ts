import { assistedProvider } from "../http/assisted.ts";

export const stability = assistedProvider({
  kind: "stability",
  title: "Stability AI",
  keyTexts: [],
  unmarked: [{ alphabet: "base64url", length: { min: 20, max: 128 } }],
  neverIssued: "sk-FAKEneverIssuedFAKEneverIssuedFAKEneverIssuedFAK",
  byHand: { console: "https://platform.stability.ai/account/keys" },
  baseUrl: "https://api.stability.ai",
  verify: {
    ...{ method: "GET", path: "/v1/user/account", headers: { authorization: "Bearer {{key}}" } },
    table: [
      { status: 200, where: [{ at: "/id", type: "string" }], means: "valid" },
      { status: 401, where: [{ at: "/name", is: ["unauthorized"] }], means: "refused" },
    ],
  },
  docs: {
    about:
      "Stability AI has no API for keys: a person makes and deletes them. Rekey watches them for leaks and proves them dead.",
    limits: ["What it answers to a dead key is configured from what people saw, not from its documentation."],
  },
});
