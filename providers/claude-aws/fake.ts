import { type FakeOptions, fakeText, json, type ProviderFake } from "../fake-world.ts";
import { iamFake, serviceCredentialsOf } from "../iam-fake.ts";

/** A stateful stand-in for IAM's keys for Claude on AWS, and for that platform itself. */
export function claudeAwsFake(options: FakeOptions = {}): ProviderFake {
  return iamFake(options, {
    ...serviceCredentialsOf("aws-external-anthropic.amazonaws.com", () => "shop-user-at-111122223333"),
    dialect: {
      credentialOf: ({ headers }) => headers["x-api-key"] ?? "",
      refused: () =>
        json(401, { type: "error", error: { type: "authentication_error", message: "invalid x-api-key" } }),
      consumer: { path: "/v1/messages", header: "x-api-key", scheme: "" },
      keyIdOf: (number, random) =>
        fakeText("ACCAFAKE", { number, random, length: 8, alphabet: "ABCDEFGH2345" }),
      textOf: (number, random) => fakeText("AEAAFAKE", { number, random, length: 80 }),
    },
    more: [
      {
        ...{ operation: "verify", method: "GET", path: /^\/v1\/models$/, as: "key" },
        answer: ({ request }) =>
          request.headers["anthropic-workspace-id"] === undefined
            ? json(400, { type: "error", error: { type: "invalid_request_error", message: "no workspace" } })
            : json(200, { data: [] }),
      },
      {
        ...{ operation: "use", method: "POST", path: /^\/v1\/messages$/, as: "key" },
        answer: () => json(200, { content: [{ type: "text", text: "FAKE" }] }),
      },
    ],
  });
}
