import type { Destination } from "../../core/copies/destination.ts";
import { Secret } from "../../core/secret.ts";
import { connected } from "../../destinations/connect.ts";
import type { AwsReach, ConnectOptions, DestinationAdapter } from "../../destinations/destination.ts";
import type { FakeReply, FakeRequest } from "../../destinations/fake.ts";
import * as github from "../../destinations/github-actions/adapter.ts";
import { GithubFake } from "../../destinations/github-actions/fake.ts";
import { destinationKinds } from "../../destinations/index.ts";
import * as kubernetes from "../../destinations/kubernetes-secret/adapter.ts";
import { KubernetesFake } from "../../destinations/kubernetes-secret/fake.ts";
import * as secretsManager from "../../destinations/secrets-manager/adapter.ts";
import { fakeSecrets } from "../../destinations/secrets-manager/fake.ts";
import * as vercel from "../../destinations/vercel/adapter.ts";
import { VercelFake } from "../../destinations/vercel/fake.ts";
import { fakeHttp } from "../../providers/fake.ts";
import { faultsOf } from "../../providers/fake-faults.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import type { DestinationWorld } from "./destination-contract.ts";

const token = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rekey/places/token-AbCdEf";
const copySecret = "arn:aws:secretsmanager:us-east-1:444455556666:secret:shop/openai-AbCdEf";
export const noAws: AwsReach = {
  secrets: () => {
    throw new TypeError("this destination is not in AWS");
  },
  tags: async () => ({}),
};

interface Wired {
  readonly kind: string;
  readonly adapter: DestinationAdapter;
  readonly settings: unknown;
  readonly http: ConnectOptions["http"];
  readonly tokenText: string;
  readonly aws?: AwsReach;
}

function wire({ kind, adapter, settings, http, tokenText, aws = noAws }: Wired): Destination {
  const statement = destinationKinds[kind];
  if (statement === undefined) throw new TypeError(`no destination is called ${kind}`);
  statement.settings.parse(settings);
  const options = {
    settings,
    http,
    aws,
    environment: "production",
    token: async () => new Secret(tokenText),
  };
  return connected(statement, adapter, options);
}

/** A time that passes when it is told to. */
function clock() {
  const time = { nowMs: Date.parse("2026-01-01T00:00:00Z") };
  const pass = (ms: number) => {
    time.nowMs += ms;
  };
  return { now: () => time.nowMs, pass };
}

function faulty(handle: (request: FakeRequest) => FakeReply) {
  const faults = faultsOf();
  let nth = 0;
  const http = fakeHttp((request) => {
    nth += 1;
    const operation = request.method === "GET" ? "read" : "write";
    return faults.strike({ operation, request, nth }, () => handle(request));
  });
  return { http, inject: faults.inject };
}

export function githubWorld(
  place: { owner: string; environment?: string } = { owner: "acme/shop", environment: "production" },
): DestinationWorld & { readonly fake: GithubFake } {
  const { now, pass } = clock();
  const fake = new GithubFake(place, now);
  const { http, inject } = faulty((request) => fake.handle(request));
  const isOrganization = !place.owner.includes("/");
  const settings = isOrganization
    ? { token, organization: place.owner }
    : { token, repository: place.owner, environment: place.environment };
  const wired = { kind: "github-actions", adapter: github, http, tokenText: fake.token };
  return {
    ...{ fake, pass, inject },
    destination: wire({ ...wired, settings }),
    elsewhere: wire({
      ...wired,
      settings: isOrganization
        ? { ...settings, organization: "others" }
        : { ...settings, environment: "staging" },
    }),
    refused: wire({ ...wired, settings, tokenText: "ghs_FAKE-other" }),
    put: (name, text) => fake.put(name, text),
    stored: (name) => fake.secrets.get(name)?.text,
    running: (name) => fake.runs.map(({ given }) => given.get(name)),
    start: () => {
      fake.begin();
      pass(1_000);
    },
    // The runs that began before end, and a new one begins.
    finish: () => {
      const before = [...fake.runs];
      pass(1_000);
      for (const run of before) fake.end(run);
      fake.begin();
    },
    rollBack: () => false,
  };
}

export function kubernetesWorld(): DestinationWorld & { readonly fake: KubernetesFake } {
  const { pass } = clock();
  const place = { namespace: "shop", secret: "openai", workloads: ["deployments/worker"] };
  const fake = new KubernetesFake({ ...place, reads: "OPENAI_API_KEY" });
  const { http, inject } = faulty((request) => fake.handle(request));
  const settings = {
    ...{ token, api: "https://k8s.example.com", namespace: "shop", secret: "openai" },
    restart: ["deployments/worker"],
  };
  const wired = { kind: "kubernetes-secret", adapter: kubernetes, http, tokenText: fake.token };
  const foreign = new KubernetesFake({ ...place, reads: "OPENAI_API_KEY" });
  foreign.environment = "staging";
  return {
    ...{ fake, pass, inject },
    destination: wire({ ...wired, settings }),
    elsewhere: wire({ ...wired, settings, http: fakeHttp((request) => foreign.handle(request)) }),
    refused: wire({ ...wired, settings, tokenText: "k8s-FAKE-other" }),
    put: (name, text) => fake.put(name, text),
    stored: (name) => fake.valueOf(name),
    running: () => fake.running,
    start: () => fake.startPods(),
    finish: (how) => fake.finish({ isStuck: how === "failed" }),
    rollBack: () => {
      fake.undo();
      return true;
    },
  };
}

export function vercelWorld(): DestinationWorld & { readonly fake: VercelFake } {
  const { now, pass } = clock();
  const place = { project: "prj_FAKE", team: "team_FAKE" };
  const fake = new VercelFake(place, now);
  const { http, inject } = faulty((request) => fake.handle(request));
  const settings = { token, ...place, target: "production" };
  const wired = { kind: "vercel", adapter: vercel, http, tokenText: fake.token };
  return {
    ...{ fake, pass, inject },
    destination: wire({ ...wired, settings }),
    elsewhere: wire({ ...wired, settings: { ...settings, project: "prj_OTHER" } }),
    refused: wire({ ...wired, settings, tokenText: "vercel-FAKE-other" }),
    put: (name, text) => fake.put(name, text),
    stored: (name) =>
      fake.variables.find(({ key, target }) => key === name && target.includes("production"))?.value,
    running: (name) => {
      const serving = fake.serving.get("production");
      return serving === undefined ? [] : [serving.built.get(name)];
    },
    start: () => void fake.deploy(),
    finish: (how) => fake.finish(how === "failed" ? "ERROR" : "READY"),
    rollBack: () => {
      fake.rollBack();
      return true;
    },
  };
}

export function secretsManagerWorld(): DestinationWorld {
  const { pass } = clock();
  const store = memoryStore();
  store.create(copySecret, '{"note": 1}');
  const tags = { [copySecret]: { Environment: "production" } };
  const settings = { secret: copySecret };
  const http = fakeHttp(() => ({ status: 500, headers: {}, body: "" }));
  const wired = { kind: "secrets-manager", adapter: secretsManager, settings, http, tokenText: "none" };
  const fields = async (): Promise<Record<string, string>> =>
    JSON.parse((await store.current(copySecret)).text.reveal());
  const staging = { [copySecret]: { Environment: "staging" } };
  return {
    pass,
    destination: wire({ ...wired, aws: fakeSecrets(store, tags) }),
    elsewhere: wire({ ...wired, aws: fakeSecrets(store, staging) }),
    refused: wire({ ...wired, aws: fakeSecrets(store, {}) }),
    put: async (name, text) => {
      store.setCurrent(copySecret, JSON.stringify({ ...(await fields()), [name]: text }));
    },
    stored: async (name) => (await fields())[name],
    running: () => [],
    start: () => undefined,
    finish: () => undefined,
    rollBack: () => false,
  };
}

/** By kind, every destination of the registry. */
export const destinationWorlds: Readonly<Record<string, () => DestinationWorld>> = {
  "github-actions": githubWorld,
  "kubernetes-secret": kubernetesWorld,
  vercel: vercelWorld,
  "secrets-manager": secretsManagerWorld,
};
