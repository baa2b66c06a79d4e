import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { WorkersFake } from "../../destinations/cloudflare-workers/fake.ts";
import { answer, type FakeReply, type FakeRequest } from "../../destinations/fake.ts";
import { FlyFake } from "../../destinations/fly/fake.ts";
import { GithubFake } from "../../destinations/github-actions/fake.ts";
import { GitlabFake } from "../../destinations/gitlab-ci/fake.ts";
import { HerokuFake } from "../../destinations/heroku/fake.ts";
import { KubernetesFake } from "../../destinations/kubernetes-secret/fake.ts";
import { VercelFake } from "../../destinations/vercel/fake.ts";
import { clientAs, environment, type LocalCloud } from "../world.ts";

/** The name of the value everywhere. */
export const copyName = "OPENAI_API_KEY";
/** How long a run of CI takes, and how often one begins. */
const runMs = 2_000;
const runEveryMs = 1_000;

/** A host of another company, with the stand-in that answers there. */
export interface Api {
  readonly host: string;
  handle(request: FakeRequest): FakeReply | Promise<FakeReply>;
}

/** One destination with what runs there. */
export interface Place {
  readonly name: string;
  readonly kind: string;
  /** What the deployment says of it, beside its kind and token. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** Where its API is, and what gives tokens for it; none for AWS. */
  readonly apis: readonly Api[];
  /** What its API is called with; none where the functions' role is enough. */
  readonly token?: string;
  /** Somebody puts a value there by hand, and everything that runs is given it. */
  put(text: string): Promise<void> | void;
  /** The keys that run there now. */
  running(): Promise<readonly string[]> | readonly string[];
  /** What goes on by itself: builds end, processes start, runs come and go. */
  tick(): void;
  /** What can go wrong here while a key is replaced. */
  readonly trouble?: Trouble;
}

/** Something that keeps a place from being counted, and that somebody can put right again. */
export interface Trouble {
  readonly what: string;
  /** `start`: before the replacement begins. `promoted`: the place was right until then. `used`: once the new key is used there. */
  readonly from: "start" | "promoted" | "used";
  /** How Rekey puts it. */
  readonly says: RegExp;
  /** `former` is the key that is being replaced. */
  plant(former: string): void;
  mend(): void;
}

const given = (values: ReadonlyMap<string, string>) => {
  const value = values.get(copyName);
  return value === undefined ? [] : [value];
};

/** Where a place with a token of its own is reached. */
function reached(host: string, fake: { readonly token: string; handle(request: FakeRequest): FakeReply }) {
  return { token: fake.token, apis: [{ host, handle: (request: FakeRequest) => fake.handle(request) }] };
}

/** Seven places of all four classes of activation. The copies in other stores are `copyPlace` and `googlePlace`. */
export function placesOutside(): readonly Place[] {
  return [...[worker(), cluster(), flyApp(), herokuApp()], ...[vercelProject(), githubActions(), gitlabCi()]];
}

function worker(): Place {
  const settings = { account: "0".repeat(32), script: "shop-production" };
  const fake = new WorkersFake(settings, Date.now);
  return {
    ...{ name: "edge", kind: "cloudflare-workers", settings },
    ...reached("api.cloudflare.com", fake),
    put: (text) => fake.put(copyName, text),
    running: () => fake.deployed.flatMap(({ secrets }) => given(secrets)),
    tick: () => undefined,
    trouble: {
      ...{
        what: "its token leads to another environment",
        from: "promoted",
        says: /another environment|no such place|staging/,
      },
      plant() {
        fake.environment = "staging";
      },
      mend() {
        fake.environment = environment;
      },
    },
  };
}

function cluster(): Place {
  const host = "k8s.acme.example";
  const [namespace, secret, restart] = ["shop", "openai", ["deployments/worker"]];
  const fake = new KubernetesFake({ ...{ namespace, secret }, workloads: restart, reads: copyName });
  fake.environment = environment;
  return {
    ...{ name: "cluster", kind: "kubernetes-secret" },
    settings: { api: `https://${host}`, namespace, secret, restart },
    ...reached(host, fake),
    put(text) {
      fake.put(copyName, text);
      fake.startPods();
    },
    running: () => fake.running.filter((key) => key !== undefined),
    tick: () => fake.finish(),
  };
}

function flyApp(): Place {
  const settings = { app: "shop", organization: "acme" };
  const fake = new FlyFake(settings, Date.now);
  return {
    ...{ name: "fly", kind: "fly", settings },
    ...reached("api.machines.dev", fake),
    put(text) {
      fake.put(copyName, text);
      fake.start();
    },
    running: () =>
      fake.machines.filter(({ isRestarting }) => !isRestarting).flatMap((machine) => given(machine.given)),
    tick: () => fake.finish(),
  };
}

function herokuApp(): Place {
  const settings = { app: "01234567-89ab-cdef-0123-456789abcdef" };
  const fake = new HerokuFake(settings.app);
  return {
    ...{ name: "heroku", kind: "heroku", settings },
    ...reached("api.heroku.com", fake),
    put(text) {
      fake.put(copyName, text);
      fake.finish();
    },
    running: () => given(new Map([[copyName, fake.running(copyName) ?? ""]])).filter(Boolean),
    tick: () => fake.finish(),
  };
}

function vercelProject(): Place {
  const settings = { project: "prj_FAKE", team: "team_FAKE", target: "production" };
  const fake = new VercelFake(settings, Date.now);
  return {
    ...{ name: "web", kind: "vercel", settings },
    ...reached("api.vercel.com", fake),
    put(text) {
      fake.put(copyName, text);
      fake.deploy();
      fake.finish();
    },
    running: () => given(fake.serving.get("production")?.built ?? new Map()),
    tick: () => fake.finish(),
    trouble: {
      ...{ what: "nothing is deployed there any more", from: "start", says: /no deployment of production/ },
      plant() {
        fake.isConnected = false;
      },
      mend() {
        fake.isConnected = true;
        fake.deploy();
      },
    },
  };
}

function githubActions(): Place {
  const settings = { repository: "acme/shop", environment };
  const fake = new GithubFake({ owner: settings.repository, environment }, Date.now);
  return {
    ...{ name: "ci", kind: "github-actions", settings },
    ...reached("api.github.com", fake),
    put: (text) => fake.put(copyName, text),
    running: () => fake.runs.flatMap((run) => given(run.given)),
    tick() {
      const [nowMs, newest] = [Date.now(), fake.runs.at(-1)];
      for (const run of fake.runs.filter(({ startedAtMs }) => nowMs - startedAtMs > runMs)) fake.end(run);
      if (nowMs - (newest?.startedAtMs ?? 0) > runEveryMs) fake.begin();
    },
    trouble: {
      ...{
        what: "somebody puts the former key back by hand",
        from: "used",
        says: /changed outside Rekey/,
      },
      plant: (former) => fake.put(copyName, former),
      mend: () => undefined,
    },
  };
}

function gitlabCi(): Place {
  const settings = { project: 1234, scope: "production" };
  const fake = new GitlabFake(settings);
  let beganAtMs = 0;
  let refuses = false;
  const refusing = (request: FakeRequest) =>
    refuses && request.method !== "GET" ? answer(403) : fake.handle(request);
  return {
    ...{ name: "pipelines", kind: "gitlab-ci", settings },
    ...reached("gitlab.com", { token: fake.token, handle: refusing }),
    put: (text) => fake.put(copyName, text),
    running: () => fake.pipelines.flatMap((pipeline) => given(pipeline.given)),
    tick() {
      if (Date.now() - beganAtMs < runEveryMs) return;
      beganAtMs = Date.now();
      fake.begin();
      while (fake.pipelines.length > runMs / runEveryMs) fake.end();
    },
    trouble: {
      ...{ what: "it refuses the write", from: "start", says: /not written yet/ },
      plant() {
        refuses = true;
      },
      mend() {
        refuses = false;
      },
    },
  };
}

/** Another secret of Secrets Manager, whose readers ask for it each time. */
export function copyPlace(secret: string, cloud: () => Pick<LocalCloud, "url">): Place {
  const client = () => new SecretsManagerClient(clientAs(cloud(), "administrator"));
  return {
    ...{ name: "reports", kind: "secrets-manager", settings: { secret }, apis: [] },
    async put(text) {
      const SecretString = JSON.stringify({ [copyName]: text });
      await client().send(new PutSecretValueCommand({ SecretId: secret, SecretString }));
    },
    async running() {
      const { SecretString = "{}" } = await client().send(new GetSecretValueCommand({ SecretId: secret }));
      return given(new Map(Object.entries(JSON.parse(SecretString) as Record<string, string>)));
    },
    tick: () => undefined,
  };
}
