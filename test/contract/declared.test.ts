import { connectPlan } from "../../providers/http/adapter.ts";
import type { DeclaredKind } from "../../providers/http/declared.ts";
import { declaredFake } from "../../providers/http/fake.ts";
import { mistakesIn } from "../../providers/http/mistakes.ts";
import { providers } from "../../providers/kinds.ts";
import type { ProviderKind } from "../../providers/provider.ts";
import { isDeclared } from "../../providers/try-declared.ts";
import { adminCredential, type Subject, underContract } from "./fake-provider-world.ts";
import { type Claim, describeProvider } from "./provider-contract.ts";

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

const reasons: Readonly<Record<Exclude<Claim, "mint" | "revoke">, string>> = {
  quarantine: "its API disables no key reversibly",
  lastUsed: "its list shows no time of last use",
  usagePerKey: "declarations read no usage",
  expiry: "declarations set no expiry",
};

const declared = Object.values(providers).filter(
  (kind): kind is DeclaredKind => isDeclared(kind) && kind.kind !== "http",
);

test("every provider that is data is here", () => {
  expect(declared.map(({ kind }) => kind).sort()).toEqual([
    ...["datadog", "deepgram", "elevenlabs", "exa", "fal", "fireworks", "langfuse", "litellm", "neon"],
    ...["pinecone", "portkey", "resend", "sendgrid", "supabase", "twilio"],
  ]);
});

for (const kind of declared) {
  test(`${kind.kind}'s texts have no variable that nobody fills`, () => {
    const { settings, fake } = subjectOf(kind);
    const { declaration } = kind.plan({ ...settings, ...fake({}).settingsAt(nowhere()) });
    expect(mistakesIn(declaration, kind.parameterNames)).toEqual([]);
  });

  const subject = subjectOf(kind);
  const { capabilities } = kind.facts({ ...subject.settings, ...subject.fake({}).settingsAt(nowhere()) });
  const skips = Object.fromEntries(
    Object.entries(reasons).filter(([claim]) =>
      claim === "quarantine" ? capabilities.quarantine === "no" : !capabilities[claim as "lastUsed"],
    ),
  );
  const { hint, idInKey, sha256 } = kind.plan({
    ...subject.settings,
    ...subject.fake({}).settingsAt(nowhere()),
  }).declaration.list;
  const isRecognised = hint !== undefined || idInKey === true || sha256 !== undefined;
  describeProvider(
    `${kind.kind}, as data`,
    underContract(subject, {
      skips,
      revokeOperation: "revoke",
      ...(!isRecognised && { unrecognised: "its list shows no part of a key" }),
    }),
  );
}

function nowhere(): string {
  return "http://127.0.0.1:1";
}

function subjectOf(kind: ProviderKind & Pick<DeclaredKind, "plan">): Subject {
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
