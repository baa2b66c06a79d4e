import { createRekey, type Key } from "../index.ts";

/** With `openAIOptions` of rekey-client/openai: `const client = new OpenAI(openAIOptions(await openKey(arn)))`. */
export async function openKey(secret: string): Promise<Key> {
  const rekey = createRekey({
    consumer: "billing",
    environment: "production",
    reportBus: "rekey-reports-production",
  });
  process.once("SIGTERM", () => {
    rekey.close().catch(() => undefined);
  });
  return rekey.open({ secret, field: "apiKey" });
}
