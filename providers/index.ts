import { anthropic } from "./anthropic/index.ts";
import { assemblyai } from "./assemblyai/index.ts";
import { azureApp } from "./azure-app/index.ts";
import { azureOpenAi } from "./azure-openai/index.ts";
import { bedrock } from "./bedrock/index.ts";
import { claudeAws } from "./claude-aws/index.ts";
import { cloudflare } from "./cloudflare/index.ts";
import { cohere } from "./cohere/index.ts";
import { datadog } from "./datadog/index.ts";
import { deepgram } from "./deepgram/index.ts";
import { elevenlabs } from "./elevenlabs/index.ts";
import { exa } from "./exa/index.ts";
import { fal } from "./fal/index.ts";
import { fireworks } from "./fireworks/index.ts";
import { github } from "./github/index.ts";
import { google } from "./google/index.ts";
import { groq } from "./groq/index.ts";
import { http } from "./http/index.ts";
import { huggingface } from "./huggingface/index.ts";
import { iam } from "./iam/index.ts";
import { lambda } from "./lambda/index.ts";
import { langfuse } from "./langfuse/index.ts";
import { litellm } from "./litellm/index.ts";
import { mistral } from "./mistral/index.ts";
import { modal } from "./modal/index.ts";
import { neon } from "./neon/index.ts";
import { openai } from "./openai/index.ts";
import { openaiAdmin } from "./openai-admin/index.ts";
import { openrouter } from "./openrouter/index.ts";
import { paddle } from "./paddle/index.ts";
import { pinecone } from "./pinecone/index.ts";
import { portkey } from "./portkey/index.ts";
import { postmark } from "./postmark/index.ts";
import type { Issuer, ProviderKind } from "./provider.ts";
import { replicate } from "./replicate/index.ts";
import { resend } from "./resend/index.ts";
import { sendgrid } from "./sendgrid/index.ts";
import { stability } from "./stability/index.ts";
import { stripe } from "./stripe/index.ts";
import { supabase } from "./supabase/index.ts";
import { together } from "./together/index.ts";
import { twilio } from "./twilio/index.ts";
import { xai } from "./xai/index.ts";

/** Everybody whose keys Rekey recognises. This list is the one line that a new provider needs outside its folder. */
export const issuers: readonly (Issuer | ProviderKind)[] = [
  anthropic,
  assemblyai,
  azureApp,
  azureOpenAi,
  bedrock,
  claudeAws,
  cloudflare,
  cohere,
  datadog,
  deepgram,
  elevenlabs,
  exa,
  fal,
  fireworks,
  github,
  google,
  groq,
  http,
  huggingface,
  iam,
  lambda,
  langfuse,
  litellm,
  mistral,
  modal,
  neon,
  openai,
  openaiAdmin,
  openrouter,
  paddle,
  pinecone,
  portkey,
  postmark,
  replicate,
  resend,
  sendgrid,
  stability,
  stripe,
  supabase,
  together,
  twilio,
  xai,
];

export function issuerOf(kind: string | undefined): Issuer | undefined {
  return issuers.find((issuer) => issuer.kind === kind);
}
