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
        if (key.isToken) asToken(headers, apiKey);
        else headers.set("x-api-key", apiKey);
        return fetch(input, { ...init, headers });
      }),
  };
}

/** Anthropic takes an OAuth token in no other header, and only beside this name of a beta. */
function asToken(headers: Headers, token: string): void {
  headers.delete("x-api-key");
  headers.set("authorization", `Bearer ${token}`);
  headers.append("anthropic-beta", "oauth-2025-04-20");
}
