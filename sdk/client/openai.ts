import type { Key } from "./index.ts";

/** What is used of the `openai` package; its `apiKey` option also takes an async function, asked at each request. */
interface OpenAIOptions {
  apiKey: () => Promise<string>;
  fetch: typeof fetch;
}

/**
 * Options for `new OpenAI(openAIOptions(key))`: every request uses the current key, and a refused one is
 * repeated once with the key that replaced it. A streamed body cannot be sent twice: there, put `key.use`
 * around the whole upload.
 */
export function openAIOptions(key: Key): OpenAIOptions {
  return {
    apiKey: async () => {
      await key.ready();
      return key.get();
    },
    fetch: (input, init) =>
      key.use((apiKey) => {
        const headers = new Headers(init?.headers);
        headers.set("authorization", `Bearer ${apiKey}`);
        return fetch(input, { ...init, headers });
      }),
  };
}
