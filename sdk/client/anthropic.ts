import type { Key } from "./index.ts";

/** What is used of `@anthropic-ai/sdk`: its `apiKey` is fixed at construction, so the header is set at each request. */
interface AnthropicOptions {
  apiKey: string;
  fetch: typeof fetch;
}

/** Options for `new Anthropic(anthropicOptions(key))`. The placeholder never leaves the process. */
export function anthropicOptions(key: Key): AnthropicOptions {
  return {
    apiKey: "set-at-each-request",
    fetch: (input, init) =>
      key.use((apiKey) => {
        const headers = new Headers(init?.headers);
        headers.set("x-api-key", apiKey);
        return fetch(input, { ...init, headers });
      }),
  };
}
