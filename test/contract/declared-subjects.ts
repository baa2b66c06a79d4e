import { connectPlan } from "../../providers/http/adapter.ts";
import type { DeclaredKind } from "../../providers/http/declared.ts";
import { declaredFake } from "../../providers/http/fake.ts";
import { providers } from "../../providers/kinds.ts";
import type { ProviderKind } from "../../providers/provider.ts";
import { isDeclared } from "../../providers/try-declared.ts";
import { adminCredential, type Subject } from "./fake-provider-world.ts";

/** What each declared provider needs beside its addresses, and why a list of its keys shows no part of them. */
const parameters: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  deepgram: { project: "prj-FAKE" },
  elevenlabs: { serviceAccount: "svc-FAKE" },
  fireworks: { account: "acme", user: "svc-FAKE" },
  neon: { organization: "org-FAKE" },
  langfuse: { project: "prj_FAKE" },
  pinecone: { project: "prj-FAKE" },
  portkey: { workspace: "ws-FAKE" },
  sendgrid: { scopes: ["mail.send"] },
  supabase: { project: "abcFAKE" },
  twilio: { account: "ACFAKE" },
  litellm: { models: ["gpt-FAKE"], maxBudget: 10 },
};

export const declared = Object.values(providers).filter(
  (kind): kind is DeclaredKind => isDeclared(kind) && kind.kind !== "http",
);

export function nowhere(): string {
  return "http://127.0.0.1:1";
}

export function subjectOf(kind: ProviderKind & Pick<DeclaredKind, "plan">): Subject {
  const settings = { adminCredential, ...parameters[kind.kind] };
  const here = { baseUrl: nowhere(), keyBaseUrl: nowhere(), tokenBaseUrl: nowhere() };
  const plan = kind.plan({ ...settings, ...here });
  const [text] = kind.keyTexts;
  return {
    ...{ kind, settings },
    adapter: { connect: (options) => connectPlan(kind.plan(options.settings), options) },
    fake: declaredFake(plan, { keyPrefix: text?.prefix ?? "", numericIds: kind.kind === "neon" }),
    ...(plan.declaration.token !== undefined && { prepare: (provider) => provider.list() }),
  };
}
