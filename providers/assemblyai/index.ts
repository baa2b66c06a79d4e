import { assistedProvider } from "../http/assisted.ts";

export const assemblyai = assistedProvider({
  kind: "assemblyai",
  title: "AssemblyAI",
  keyTexts: [],
  unmarked: [{ alphabet: "hex", length: { min: 32, max: 32 } }],
  neverIssued: "fa4e0000fa4e0000fa4e0000fa4e0000",
  byHand: { console: "https://www.assemblyai.com/dashboard/api-keys" },
  baseUrl: "https://api.assemblyai.com",
  verify: {
    ...{ method: "GET", path: "/v2/transcript", headers: { authorization: "{{key}}" } },
    table: [
      { status: 200, where: [{ at: "/transcripts", type: "list" }], means: "valid" },
      { status: 401, where: [{ at: "/error", has: "Authentication error" }], means: "refused" },
    ],
  },
  docs: {
    about:
      "AssemblyAI has no API for keys: a person makes and deletes them. Rekey watches them for leaks and proves them dead.",
    limits: [
      "What it answers to a dead key is configured from what people saw, not from its documentation.",
      "How many keys an account may have depends on its plan.",
    ],
  },
});
