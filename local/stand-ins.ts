import { anthropicFake } from "../providers/anthropic/fake.ts";
import { azureOpenAiFake } from "../providers/azure-openai/fake.ts";
import { bedrockFake } from "../providers/bedrock/fake.ts";
import { cloudflareFake } from "../providers/cloudflare/fake.ts";
import type { FakeOptions, ProviderFake } from "../providers/fake-world.ts";
import { googleFake } from "../providers/google/fake.ts";
import { userName } from "../providers/iam-fake.ts";
import { lambdaFake } from "../providers/lambda/fake.ts";
import { type OpenAiFakeOptions, openaiFake } from "../providers/openai/fake.ts";
import { openRouterFake } from "../providers/openrouter/fake.ts";
import { xaiFake } from "../providers/xai/fake.ts";
import type { Deployment } from "../serverless/deployment.ts";
import { gateway, gatewayFake } from "./gateway.ts";

/** What the demonstration needs of a provider's stand-in. */
export type StandIn = Pick<
  ProviderFake,
  "addKey" | "adminKey" | "consumer" | "counters" | "handle" | "listen" | "settingsAt" | "state"
>;

export type StandInOptions = OpenAiFakeOptions & FakeOptions;

interface Row {
  readonly title: string;
  start(options: StandInOptions): StandIn;
  /** The policy's block, beside what the stand-in says itself. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** How it names the key's kind in a scanner's report. */
  readonly detector: string;
  /** A person has to supply the new key. */
  readonly isAssisted?: true;
  /** Rekey's own role makes the keys, of what the deployment lists. */
  readonly deployment?: Partial<Deployment>;
}

/** The pair of keys and the hash that the deployment knows of the function. */
const ownFunction = lambdaFake();

/** One row for each shape of provider that `npm start` can show. */
export const standIns = {
  openai: {
    title: "OpenAI",
    detector: "OpenAI",
    settings: { project: "proj_FAKE", serviceAccount: "svc_acct_FAKE" },
    start: openAi,
  },
  anthropic: { title: "Anthropic", detector: "Anthropic", isAssisted: true, start: anthropicFake },
  "azure-openai": {
    title: "Azure OpenAI",
    detector: "AzureOpenAI",
    settings: {
      subscription: "00000000-0000-0000-0000-000000000000",
      ...{ group: "acme", account: "acme-openai", idleIsFree: true },
    },
    start: azureOpenAiFake,
  },
  google: {
    title: "Google Gemini",
    detector: "GoogleGemini",
    settings: { project: "shop-fake" },
    start: googleFake,
  },
  openrouter: { title: "OpenRouter", detector: "OpenRouter", start: openRouterFake },
  xai: { title: "xAI", detector: "XAI", settings: { team: "team-fake" }, start: xaiFake },
  cloudflare: {
    title: "Cloudflare",
    detector: "CloudflareApiToken",
    settings: { account: "account-FAKE" },
    start: cloudflareFake,
  },
  bedrock: {
    title: "Amazon Bedrock",
    detector: "AWSBedrock",
    settings: { user: userName, region: "eu-central-1" },
    deployment: { iamUsers: [userName] },
    start: bedrockFake,
  },
  http: { title: "an API of your own", detector: "Gateway", settings: gateway, start: gatewayFake },
  lambda: {
    title: "a function of yours",
    detector: "Database",
    settings: { disable: true },
    deployment: { providerFunctions: ownFunction.functions },
    start: (options) => lambdaFake({ ...options, privateKey: ownFunction.privateKey }),
  },
} as const satisfies Readonly<Record<string, Row>>;

export type StandInName = keyof typeof standIns;

export function standInRow(name: StandInName): Row {
  return standIns[name];
}

export function isStandIn(name: string): name is StandInName {
  return Object.hasOwn(standIns, name);
}

function openAi(options: StandInOptions): StandIn {
  const fake = openaiFake(options);
  return {
    ...{ addKey: fake.addKey, counters: fake.counters, state: fake.state, adminKey: fake.adminKey },
    handle: fake.handle,
    async listen() {
      const { url, close } = await fake.listen();
      return { origin: new URL(url).origin, close };
    },
    settingsAt: (origin) => ({ baseUrl: `${origin}/v1` }),
    consumer: { path: "/v1/chat/completions", header: "authorization", scheme: "Bearer " },
  };
}
