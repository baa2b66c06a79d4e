import { assistedProvider } from "../http/assisted.ts";

export const cohere = assistedProvider({
  kind: "cohere",
  title: "Cohere",
  keyTexts: [],
  unmarked: [{ alphabet: "letters", length: { min: 40, max: 40 } }],
  neverIssued: "FAKEneverIssuedFAKEneverIssuedFAKEneverI",
  byHand: { console: "https://dashboard.cohere.com/api-keys" },
  baseUrl: "https://api.cohere.com",
  verify: {
    ...{ method: "GET", path: "/v1/models", headers: { authorization: "Bearer {{key}}" } },
    table: [
      { status: 200, where: [{ at: "/models", type: "list" }], means: "valid" },
      { status: 401, where: [{ at: "/message", has: "invalid api token" }], means: "refused" },
    ],
  },
  docs: {
    about:
      "Cohere has no API for keys: a person makes and deletes them. Rekey watches them for leaks and proves them dead.",
    limits: ["What it answers to a dead key is configured from what people saw, not from its documentation."],
  },
});
