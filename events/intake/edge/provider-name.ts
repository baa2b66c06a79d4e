/** The names that scanners give to one provider, as Rekey writes it. */
import { alertLimits } from "../../alert.ts";

/** A longer name comes before one that it starts with. */
const providers = [
  "azure-openai",
  "openai",
  "openrouter",
  "anthropic",
  "cloudflare",
  "cohere",
  "datadog",
  "deepgram",
  "elevenlabs",
  "google",
  "groq",
  "mistral",
  "pinecone",
  "sendgrid",
  "stripe",
  "supabase",
  "together",
  "twilio",
  "xai",
  "github",
  "aws",
] as const;

/**
 * "OpenAI", "openai-api-key" and "openai_apikey" are all "openai"; a name we do not know is kept as a slug.
 */
export function providerNamed(name: string | undefined): string | undefined {
  const slug = slugOf(name ?? "");
  const compact = slug.replaceAll("-", "");
  return providers.find((known) => compact.startsWith(known.replaceAll("-", ""))) ?? (slug || undefined);
}

function slugOf(name: string): string {
  const bounded = name.slice(0, alertLimits.providerLength).toLowerCase();
  return bounded
    .split(/[^a-z0-9]/)
    .filter(Boolean)
    .join("-");
}
