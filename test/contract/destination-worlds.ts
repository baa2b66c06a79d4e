import { LambdaClient } from "@aws-sdk/client-lambda";
import { SSMClient } from "@aws-sdk/client-ssm";
import type { Destination } from "../../core/copies/destination.ts";
import { Secret } from "../../core/secret.ts";
import * as cloudflare from "../../destinations/cloudflare-workers/adapter.ts";
import { WorkersFake } from "../../destinations/cloudflare-workers/fake.ts";
import { connected } from "../../destinations/connect.ts";
import type { AwsReach, ConnectOptions, DestinationAdapter } from "../../destinations/destination.ts";
import { type FakeReply, type FakeRequest, noAws } from "../../destinations/fake.ts";
import * as fly from "../../destinations/fly/adapter.ts";
import { FlyFake } from "../../destinations/fly/fake.ts";
import * as github from "../../destinations/github-actions/adapter.ts";
import { GithubFake } from "../../destinations/github-actions/fake.ts";
import * as gitlab from "../../destinations/gitlab-ci/adapter.ts";
import { GitlabFake } from "../../destinations/gitlab-ci/fake.ts";
import * as googleSecretManager from "../../destinations/google-secret-manager/adapter.ts";
import * as heroku from "../../destinations/heroku/adapter.ts";
import { HerokuFake } from "../../destinations/heroku/fake.ts";
import { destinationKinds } from "../../destinations/index.ts";
import * as kubernetes from "../../destinations/kubernetes-secret/adapter.ts";
import { KubernetesFake } from "../../destinations/kubernetes-secret/fake.ts";
import * as lambda from "../../destinations/lambda-environment/adapter.ts";
import { LambdaFake } from "../../destinations/lambda-environment/fake.ts";
import * as parameterStore from "../../destinations/parameter-store/adapter.ts";
import { ParametersFake } from "../../destinations/parameter-store/fake.ts";
import * as secretsManager from "../../destinations/secrets-manager/adapter.ts";
import { fakeSecrets } from "../../destinations/secrets-manager/fake.ts";
import * as vercel from "../../destinations/vercel/adapter.ts";
import { VercelFake } from "../../destinations/vercel/fake.ts";
import { fakeHttp } from "../../providers/fake.ts";
import { faultsOf } from "../../providers/fake-faults.ts";
import { GoogleFake } from "../../stores/google-secret-manager/fake.ts";
import { hostOf } from "../../stores/google-secret-manager/host.ts";
import { memoryStore } from "../../stores/secrets-manager/fake.ts";
import { clientOptions } from "./aws-wire.ts";
import type { DestinationWorld } from "./destination-contract.ts";
import { credentials, signer } from "./google-signer.ts";

const token = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:rekey/places/token-AbCdEf";
const copySecret = "arn:aws:secretsmanager:us-east-1:444455556666:secret:shop/openai-AbCdEf";
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

function struckBy(handle: (request: FakeRequest) => FakeReply) {
  const faults = faultsOf();
  let nth = 0;
  const struck = (request: FakeRequest) => {
    nth += 1;
    // Every call of the AWS protocol that Parameter Store speaks is a POST.
    const isRead = request.method === "GET" || request.headers["x-amz-target"]?.includes(".Get") === true;
    return faults.strike({ operation: isRead ? "read" : "write", request, nth }, () => handle(request));
  };
  return { struck, inject: faults.inject };
}

function faulty(handle: (request: FakeRequest) => FakeReply) {
  const { struck, inject } = struckBy(handle);
  return { http: fakeHttp(struck), inject };
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

export function gitlabWorld(): DestinationWorld & { readonly fake: GitlabFake } {
  const { pass } = clock();
  const place = { project: 1234, scope: "production" };
  const fake = new GitlabFake(place);
  const { http, inject } = faulty((request) => fake.handle(request));
  const settings = { token, ...place };
  const wired = { kind: "gitlab-ci", adapter: gitlab, http, tokenText: fake.token };
  return {
    ...{ fake, pass, inject },
    destination: wire({ ...wired, settings }),
    elsewhere: wire({ ...wired, settings: { ...settings, scope: "staging" } }),
    refused: wire({ ...wired, settings, tokenText: "glpat-FAKE-other" }),
    put: (name, text) => fake.put(name, text),
    stored: (name) => fake.valueOf(name),
    running: (name) => fake.pipelines.map(({ given }) => given.get(name)),
    start: () => fake.begin(),
    finish: () => {
      for (const _pipeline of [...fake.pipelines]) fake.end();
      fake.begin();
    },
    rollBack: () => false,
  };
}

export function cloudflareWorld(): DestinationWorld & { readonly fake: WorkersFake } {
  const { now, pass } = clock();
  const place = { account: "0".repeat(32), script: "shop-production" };
  const fake = new WorkersFake(place, now);
  const { http, inject } = faulty((request) => fake.handle(request));
  const settings = { token, ...place };
  const foreign = new WorkersFake(place, now);
  foreign.environment = "staging";
  const wired = { kind: "cloudflare-workers", adapter: cloudflare, settings, http, tokenText: fake.token };
  return {
    ...{ fake, pass, inject },
    destination: wire(wired),
    elsewhere: wire({ ...wired, http: fakeHttp((request) => foreign.handle(request)) }),
    refused: wire({ ...wired, tokenText: "cf-FAKE-other" }),
    put: (name, text) => fake.put(name, text),
    stored: (name) => fake.newest?.secrets.get(name),
    running: () => [],
    start: () => undefined,
    finish: () => undefined,
    rollBack: () => {
      fake.rollBack();
      return true;
    },
  };
}

export function flyWorld(): DestinationWorld & { readonly fake: FlyFake } {
  const { now, pass } = clock();
  const place = { app: "shop", organization: "acme" };
  const fake = new FlyFake(place, now);
  const { http, inject } = faulty((request) => fake.handle(request));
  const settings = { token, ...place };
  const wired = { kind: "fly", adapter: fly, http, tokenText: fake.token };
  return {
    ...{ fake, pass, inject },
    destination: wire({ ...wired, settings }),
    elsewhere: wire({ ...wired, settings: { ...settings, organization: "others" } }),
    refused: wire({ ...wired, settings, tokenText: "fly-FAKE-other" }),
    put: (name, text) => fake.put(name, text),
    stored: (name) => fake.secrets.get(name)?.text,
    running: (name) => fake.machines.map(({ given }) => given.get(name)),
    start: () => fake.start(),
    finish: (how) => fake.finish({ fails: how === "failed" }),
    rollBack: () => false,
  };
}

export function herokuWorld(): DestinationWorld & { readonly fake: HerokuFake } {
  const { pass } = clock();
  const app = "01234567-89ab-cdef-0123-456789abcdef";
  const fake = new HerokuFake(app);
  const { http, inject } = faulty((request) => fake.handle(request));
  const settings = { token, app };
  const foreign = new HerokuFake(app);
  foreign.vars.set("REKEY_ENVIRONMENT", "staging");
  const wired = { kind: "heroku", adapter: heroku, settings, http, tokenText: fake.token };
  return {
    ...{ fake, pass, inject },
    destination: wire(wired),
    elsewhere: wire({ ...wired, http: fakeHttp((request) => foreign.handle(request)) }),
    refused: wire({ ...wired, tokenText: "heroku-FAKE-other" }),
    put: (name, text) => fake.put(name, text),
    stored: (name) => fake.vars.get(name),
    running: (name) => [fake.running(name)],
    start: () => undefined,
    finish: (how) => fake.finish(how),
    rollBack: () => {
      fake.rollBack();
      return true;
    },
  };
}

const noHttp = fakeHttp(() => ({ status: 500, headers: {}, body: "" }));

export function parameterStoreWorld(): DestinationWorld & { readonly fake: ParametersFake } {
  const { pass } = clock();
  const path = "/shop/production/";
  const fake = new ParametersFake();
  fake.put(`${path}REKEY_ENVIRONMENT`, "production", "String");
  const { struck, inject } = struckBy((request) => fake.handle(request));
  const denied = new ParametersFake();
  denied.isDenied = true;
  const settings = { parameters: `arn:aws:ssm:eu-central-1:111122223333:parameter${path}` };
  const wired = { kind: "parameter-store", adapter: parameterStore, http: noHttp, tokenText: "none" };
  const reach = (handle: typeof struck): AwsReach => ({
    ...noAws,
    parameters: () => new SSMClient(clientOptions(handle)),
  });
  const aws = reach(struck);
  const other = { parameters: settings.parameters.replace("/production/", "/staging/") };
  return {
    ...{ fake, pass, inject },
    destination: wire({ ...wired, settings, aws }),
    elsewhere: wire({ ...wired, settings: other, aws }),
    refused: wire({ ...wired, settings, aws: reach((request) => denied.handle(request)) }),
    put: (name, text) => void fake.put(`${path}${name}`, text),
    stored: (name) => fake.parameters.get(`${path}${name}`)?.value,
    running: () => [],
    start: () => undefined,
    finish: () => undefined,
    rollBack: () => false,
  };
}

export function lambdaWorld(): DestinationWorld & { readonly fake: LambdaFake } {
  const { pass } = clock();
  const arn = "arn:aws:lambda:eu-central-1:111122223333:function:shop";
  const place = { arn, alias: "live" };
  const fake = new LambdaFake(place);
  const { struck, inject } = struckBy((request) => fake.handle(request));
  const denied = new LambdaFake(place);
  denied.isDenied = true;
  const foreign = new LambdaFake(place);
  foreign.environment = "staging";
  const reach = (handle: typeof struck): AwsReach => ({
    ...noAws,
    lambda: () => new LambdaClient(clientOptions(handle)),
  });
  const settings = { function: arn, alias: "live" };
  const wired = { kind: "lambda-environment", adapter: lambda, settings, http: noHttp, tokenText: "none" };
  return {
    ...{ fake, pass, inject },
    destination: wire({ ...wired, aws: reach(struck) }),
    elsewhere: wire({ ...wired, aws: reach((request) => foreign.handle(request)) }),
    refused: wire({ ...wired, aws: reach((request) => denied.handle(request)) }),
    put: (name, text) => fake.put(name, text),
    stored: (name) => fake.variables[name],
    running: (name) => [fake.running(name)],
    start: () => fake.moveAlias(fake.publish()),
    finish: (how) => (how === "failed" ? fake.fail() : undefined),
    rollBack: () => {
      fake.rollBack();
      return true;
    },
    atOnce: "an alias sends requests to its new version as soon as it is moved",
  };
}

/** The faults of the wire are Secret Manager's; a login that fails is in the store's own suite. */
export function googleWorld(location?: string): DestinationWorld & { readonly fake: GoogleFake } {
  const { now, pass } = clock();
  const fake = new GoogleFake("shop-fake", now, location);
  fake.identify = (question) => signer(fake, question);
  const put = (secret: string, text: string) => {
    if (!fake.secrets.has(secret)) fake.create(secret);
    fake.alias(secret, "current", fake.add(secret, text));
  };
  put("REKEY_ENVIRONMENT", "production");
  const { struck, inject } = struckBy(({ path, query, ...request }) => {
    const url = new URL(`https://${hostOf(location)}${path}?${query}`);
    const { status, json } = fake.handle({ ...request, url });
    return { status, headers: {}, body: JSON.stringify(json) };
  });
  const atSecrets = fakeHttp(struck);
  const http: ConnectOptions["http"] = {
    async send(request) {
      const { method, url, headers, body } = request;
      if (new URL(url).host === hostOf(location)) return atSecrets.send(request);
      return { headers: {}, ...fake.handle({ method, url: new URL(url), headers, body }) };
    },
  };
  const settings = {
    ...{ project: "shop-fake", audience: fake.audience, serviceAccount: fake.serviceAccount },
    ...(location !== undefined && { location }),
  };
  const aws = { ...noAws, credentials: async () => credentials };
  const wired = { kind: "google-secret-manager", adapter: googleSecretManager, http, tokenText: "none", aws };
  const stranger = { ...settings, serviceAccount: "stranger@shop-fake.iam.gserviceaccount.com" };
  return {
    ...{ fake, pass, inject, put },
    destination: wire({ ...wired, settings }),
    elsewhere: wire({ ...wired, settings: { ...settings, project: "other-fake" } }),
    refused: wire({ ...wired, settings: stranger }),
    stored: (secret) => {
      const { aliases, versions } = fake.secrets.get(secret) ?? {};
      const found = versions?.[Number(aliases?.["current"]) - 1];
      return found === undefined ? undefined : Buffer.from(found.data, "base64").toString();
    },
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
  "gitlab-ci": gitlabWorld,
  "cloudflare-workers": cloudflareWorld,
  fly: flyWorld,
  "google-secret-manager": () => googleWorld(),
  heroku: herokuWorld,
  "parameter-store": parameterStoreWorld,
  "lambda-environment": lambdaWorld,
};
