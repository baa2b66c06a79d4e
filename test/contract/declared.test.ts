import { mistakesIn } from "../../providers/http/mistakes.ts";
import { declared, nowhere, subjectOf } from "./declared-subjects.ts";
import { underContract } from "./fake-provider-world.ts";
import { type Claim, describeProvider } from "./provider-contract.ts";

const reasons: Readonly<Record<Exclude<Claim, "mint" | "revoke">, string>> = {
  quarantine: "its API disables no key reversibly",
  lastUsed: "its list shows no time of last use",
  usagePerKey: "declarations read no usage",
  expiry: "declarations set no expiry",
};

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
