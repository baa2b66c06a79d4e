import { assistedProvider } from "../http/assisted.ts";

export const together = assistedProvider({
  kind: "together",
  title: "Together AI",
  keyTexts: [],
  unmarked: [{ alphabet: "hex", length: { min: 64, max: 64 } }],
  neverIssued: "fa4e0000fa4e0000fa4e0000fa4e0000fa4e0000fa4e0000fa4e0000fa4e0000",
  byHand: { console: "https://api.together.ai/settings/api-keys" },
  baseUrl: "https://api.together.xyz",
  verify: {
    ...{ method: "GET", path: "/v1/models", headers: { authorization: "Bearer {{key}}" } },
    table: [
      { status: 200, where: [{ at: "", type: "list" }], means: "valid" },
      { status: 401, where: [{ at: "/error/code", is: ["invalid_api_key"] }], means: "refused" },
    ],
  },
  docs: {
    about:
      "Together AI has no API for keys: a person makes and deletes them. Rekey watches them for leaks and proves them dead.",
    limits: ["What it answers to a dead key is configured from what people saw, not from its documentation."],
  },
});
