import { type FakeOptions, fakeText, json, type ProviderFake } from "../fake-world.ts";
import { iamFake, serviceCredentialsOf, userName } from "../iam-fake.ts";

/** A stateful stand-in for IAM's keys for Amazon Bedrock, and for Bedrock itself. */
export function bedrockFake(options: FakeOptions = {}): ProviderFake {
  return iamFake(options, {
    ...serviceCredentialsOf("bedrock.amazonaws.com", aliasIn),
    dialect: {
      credentialOf: ({ headers }) => (headers["authorization"] ?? "").replace(/^Bearer /, ""),
      refused: () => json(403, { Message: "Authentication failed: Please make sure your API Key is valid." }),
      consumer: { path: "/model/fake/converse", header: "authorization", scheme: "Bearer " },
      keyIdOf: (number, random) =>
        fakeText("ACCAFAKE", { number, random, length: 8, alphabet: "ABCDEFGH2345" }),
      textOf: (number, random) => {
        const secret = fakeText("FAKE", { number, random, length: 64 });
        return `ABSK${Buffer.from(`${userName}+${number}-at-111122223333:${secret}`).toString("base64")}`;
      },
    },
    more: [
      {
        ...{ operation: "verify", method: "GET", path: /^\/foundation-models$/, as: "key" },
        answer: () => json(200, { modelSummaries: [] }),
      },
      {
        ...{ operation: "use", method: "POST", path: /^\/model\/fake\/converse$/, as: "key" },
        answer: () => json(200, { output: { message: { role: "assistant", content: [{ text: "FAKE" }] } } }),
      },
    ],
  });
}

function aliasIn(text: string): string {
  return Buffer.from(text.slice(4), "base64").toString("utf8").split(":")[0] ?? "";
}
