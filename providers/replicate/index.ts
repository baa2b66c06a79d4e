import { assistedProvider } from "../http/assisted.ts";

export const replicate = assistedProvider({
  kind: "replicate",
  title: "Replicate",
  keyTexts: [{ prefix: "r8_", alphabet: "letters", length: { min: 37, max: 37 } }],
  byHand: { console: "https://replicate.com/account/api-tokens" },
  baseUrl: "https://api.replicate.com",
  verify: {
    ...{ method: "GET", path: "/v1/account", headers: { authorization: "Bearer {{key}}" } },
    table: [
      { status: 200, where: [{ at: "/username", type: "string" }], means: "valid" },
      { status: 401, where: [{ at: "/title", is: ["Unauthenticated"] }], means: "refused" },
    ],
  },
  docs: {
    about:
      "Replicate has no API for keys: a person makes and deletes them. Rekey watches them for leaks and proves them dead.",
    limits: ["What it answers to a dead key is configured from what people saw, not from its documentation."],
  },
});
