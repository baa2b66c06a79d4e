import type { Destinations } from "../../../core/copies/destination.ts";
import { copyWriteMaxMs } from "../../../core/copies/note.ts";
import type { CopyPolicy } from "../../../core/policy.ts";
import type { SecretArn, SecretStore } from "../../../core/ports.ts";
import { Secret } from "../../../core/secret.ts";
import { connected } from "../../../destinations/connect.ts";
import type { DestinationAdapter, Http } from "../../../destinations/destination.ts";
import * as github from "../../../destinations/github-actions/adapter.ts";
import { GithubFake } from "../../../destinations/github-actions/fake.ts";
import { destinationKinds } from "../../../destinations/index.ts";
import * as kubernetes from "../../../destinations/kubernetes-secret/adapter.ts";
import { KubernetesFake } from "../../../destinations/kubernetes-secret/fake.ts";
import * as secretsManager from "../../../destinations/secrets-manager/adapter.ts";
import { fakeSecrets } from "../../../destinations/secrets-manager/fake.ts";
import * as vercel from "../../../destinations/vercel/adapter.ts";
import { VercelFake } from "../../../destinations/vercel/fake.ts";
import { fakeHttp } from "../../../providers/fake.ts";
import type { MemoryStore } from "../../../stores/secrets-manager/fake.ts";
import { secretArnOf } from "./account.ts";

const token = secretArnOf("rekey/places");
export const copySecretArn: SecretArn = secretArnOf("shop/copy");
/** Under this name every place has its copy. */
export const copyName = "OPENAI_API_KEY";

export type PlaceName = "ci" | "web" | "pods" | "copy";

/** One of each class of activation. */
export const placeNames: readonly PlaceName[] = ["ci", "web", "pods", "copy"];

export function copyTo(place: PlaceName): CopyPolicy {
  return { to: place, as: copyName };
}

export type PlaceTrouble = "refuses" | "fails" | "astray" | "change" | "rollBack" | "heal";

export const placeTroubles = ["refuses", "fails", "astray", "change", "rollBack"] as const;

interface Heard {
  readonly invocationId: number;
  readonly isWrite: boolean;
  readonly status: number;
}

export interface PlaceTimes {
  readonly buildMs: number;
  readonly rolloutMs: number;
  readonly runEveryMs: number;
  readonly runMs: number;
}

const foreignText = "FAKE-somebody-elses";

const usualTimes: PlaceTimes = { buildMs: 6_000, rolloutMs: 4_000, runEveryMs: 30_000, runMs: 20_000 };

/** Four places with everything that runs there: builds take their time, pods are replaced, CI runs come and go. */
export class Places {
  readonly ci: GithubFake;
  readonly web: VercelFake;
  readonly pods: KubernetesFake;
  /** What a place does instead of ending well. */
  readonly fails = new Set<PlaceName>();
  /** Their token leads to another environment's place. */
  readonly astray = new Set<PlaceName>();
  /** They refuse every write. */
  readonly refuses = new Set<PlaceName>();
  /** The step at which somebody last moved something there. */
  readonly movedAt = new Map<PlaceName, number>();
  /** Rekey has written there: until then the policy lets it take over what it finds. */
  readonly written = new Set<PlaceName>();
  /** What somebody put there, while it may not be overwritten. */
  readonly changes = new Map<PlaceName, string>();
  /** When the last write there began, as long as Rekey cannot know its end. */
  readonly unheardSince = new Map<PlaceName, number>();
  /** The function whose write was refused there, and whether it has looked since. */
  readonly #refusedTo = new Map<PlaceName, { readonly invocationId: number; readonly hasLooked: boolean }>();
  readonly #nowMs: () => number;
  readonly #store: MemoryStore;
  readonly #times: PlaceTimes;
  readonly #used: readonly PlaceName[];
  readonly #hasForeignCi: boolean;
  readonly #sharing: { readonly visibility?: string; readonly sharedWith?: readonly number[] };
  readonly #timers = new Set<NodeJS.Timeout>();
  #isOpen = true;

  constructor(
    world: { readonly store: MemoryStore; nowMs(): number },
    given: {
      readonly key: string;
      /** Those that the policy names; the others are there, and nobody looks at them. */
      readonly used: readonly PlaceName[];
      readonly times?: Partial<PlaceTimes>;
      /** The CI's value is an organization's, which it shares with some of its repositories. */
      readonly sharesCi?: boolean;
      /** Under the CI's name is somebody's own value, which the policy lets nobody take over. */
      readonly hasForeignCi?: boolean;
    },
  ) {
    const { key, used, times = {}, sharesCi = false, hasForeignCi = false } = given;
    this.#hasForeignCi = hasForeignCi;
    this.#sharing = sharesCi ? { visibility: "selected", sharedWith: [7, 42] } : {};
    this.#used = used;
    this.#store = world.store;
    this.#nowMs = world.nowMs;
    this.#times = { ...usualTimes, ...times };
    const owner = sharesCi ? { owner: "acme" } : { owner: "acme/shop", environment: "production" };
    this.ci = new GithubFake(owner, world.nowMs);
    this.web = new VercelFake({ project: "prj_FAKE", team: "team_FAKE" }, world.nowMs);
    const workloads = ["deployments/worker"];
    this.pods = new KubernetesFake({ namespace: "shop", secret: "openai", workloads, reads: copyName });
    this.#store.create(copySecretArn, JSON.stringify({ [copyName]: key }));
    this.ci.put(copyName, hasForeignCi ? foreignText : key, this.#sharing);
    if (hasForeignCi) this.changes.set("ci", foreignText);
    this.web.put(copyName, key);
    this.web.deploy();
    this.web.finish();
    this.pods.put(copyName, key);
    this.pods.startPods();
    this.#nextRun();
  }

  close(): void {
    this.#isOpen = false;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #after(ms: number, work: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#isOpen) work();
    }, ms);
    this.#timers.add(timer);
  }

  #nextRun(): void {
    const run = this.ci.begin();
    this.#after(this.#times.runMs, () => this.ci.end(run));
    this.#after(this.#times.runEveryMs, () => this.#nextRun());
  }

  /** What a destination's calls go to, each through `wire`; `store` is the function's own way to Secrets Manager. */
  destinations(through: {
    readonly store: SecretStore;
    wire(place: PlaceName, http: Http): Http;
  }): Destinations {
    const tagged = this.astray.has("copy") ? "staging" : "production";
    const aws = fakeSecrets(through.store, { [copySecretArn]: { Environment: tagged } });
    const settingsOf: Readonly<Record<PlaceName, readonly [string, DestinationAdapter, unknown, string]>> = {
      ci: ["github-actions", github, { token, ...this.#room }, this.ci.token],
      web: ["vercel", vercel, { token, ...this.#project, target: "production" }, this.web.token],
      pods: ["kubernetes-secret", kubernetes, { token, ...cluster }, this.pods.token],
      copy: ["secrets-manager", secretsManager, { secret: copySecretArn }, "none"],
    };
    return {
      named: (name) => {
        const place = placeNames.find((each) => each === name);
        if (place === undefined) return undefined;
        const [kindName, adapter, settings, text] = settingsOf[place];
        const kind = destinationKinds[kindName];
        if (kind === undefined) throw new TypeError(`no destination is called ${kindName}`);
        const http = through.wire(place, this.#httpOf(place));
        const options = { settings, environment: "production", token: async () => new Secret(text) };
        return connected(kind, adapter, { ...options, http, aws });
      },
    };
  }

  get #room() {
    const isAstray = this.astray.has("ci");
    if (this.#sharing.visibility !== undefined)
      return { organization: isAstray ? "others" : "acme", longestRun: `${this.#times.runMs / 1_000}s` };
    return { repository: "acme/shop", environment: isAstray ? "staging" : "production" };
  }

  /** Who may use the CI's value is as people left it: to write a value resets that, if it is not said again. */
  get isSharedAsBefore(): boolean {
    const { visibility, sharedWith } = this.ci.secrets.get(copyName) ?? {};
    const before = this.#sharing;
    return visibility === before.visibility && sharedWith?.join() === before.sharedWith?.join();
  }

  get #project() {
    return { project: this.astray.has("web") ? "prj_OTHER" : "prj_FAKE", team: "team_FAKE" };
  }

  #httpOf(place: PlaceName): Http {
    this.pods.environment = this.astray.has("pods") ? "staging" : "production";
    const fake = { ci: this.ci, web: this.web, pods: this.pods, copy: this.ci }[place];
    return fakeHttp((request) => {
      const isWrite = request.method !== "GET";
      if (isWrite && this.refuses.has(place)) return { status: 403, headers: {}, body: "{}" };
      const reply = fake.handle(request);
      if (isWrite && place === "web")
        this.#after(this.#times.buildMs, () => this.web.finish(this.fails.has("web") ? "ERROR" : "READY"));
      if (isWrite && place === "pods")
        this.#after(this.#times.rolloutMs, () => this.pods.finish({ isStuck: this.fails.has("pods") }));
      return reply;
    });
  }

  // ---- what other people do, and what is seen -----------------------------------------------------------------

  async meet(place: PlaceName, trouble: PlaceTrouble, step: number): Promise<void> {
    if (trouble === "heal") return this.#heal(place);
    this.movedAt.set(place, step);
    switch (trouble) {
      case "refuses":
      case "fails":
      case "astray":
        this[trouble].add(place);
        return;
      case "rollBack":
        if (place === "web") this.web.rollBack();
        return;
      case "change": {
        const text = `FAKE-by-hand-${step}`;
        this.changes.delete(place);
        if (this.#isKept(place) && !this.#mayBeRekeys(place)) this.changes.set(place, text);
        return this.changeByHand(place, text);
      }
    }
  }

  /** Where the policy takes nothing over, what somebody puts there before Rekey's first write is theirs too. */
  #isKept(place: PlaceName): boolean {
    return this.written.has(place) || this.#hasForeignCi;
  }

  /**
   * What docs/destinations.md leaves open: a place that never shows its values cannot tell a write that was never heard
   * of from a change that somebody makes in the minute after that write began. Its clock has whole seconds.
   */
  #mayBeRekeys(place: PlaceName): boolean {
    const since = this.unheardSince.get(place);
    const isHidden = place === "ci" || place === "web";
    return isHidden && since !== undefined && this.#nowMs() <= since + copyWriteMaxMs + 1_000;
  }

  #heal(place: PlaceName): void {
    for (const trouble of [this.refuses, this.fails, this.astray]) trouble.delete(place);
    if (place === "pods") this.pods.finish();
    if (place !== "web") return;
    this.web.deploy();
    this.#after(this.#times.buildMs, () => this.web.finish());
  }

  /** People see to everything, order away what others put there, and remove what Rekey has never written to. */
  healAll(): void {
    for (const place of placeNames) this.#heal(place);
    for (const place of this.changes.keys()) if (!this.written.has(place)) this.#remove(place);
    this.changes.clear();
  }

  #remove(place: PlaceName): void {
    if (place === "ci") this.ci.secrets.delete(copyName);
    if (place === "web") this.web.variables.splice(0);
    if (place === "pods") this.pods.fields.delete(copyName);
    if (place === "copy") this.#store.setCurrent(copySecretArn, "{}");
  }

  /** What is there now, where a look takes no call. */
  storedNow(place: PlaceName): string | undefined {
    if (place === "ci") return this.ci.secrets.get(copyName)?.text;
    if (place === "web") return this.#webValue();
    return place === "pods" ? this.pods.valueOf(copyName) : undefined;
  }

  /** An answer of the place has reached the function. */
  heard(place: PlaceName, { invocationId, isWrite, status }: Heard): void {
    const isRefusal = status >= 400 && status < 500 && status !== 429;
    if (isWrite && isRefusal) this.#refusedTo.set(place, { invocationId, hasLooked: false });
    else if (isWrite) this.#refusedTo.delete(place);
    else if (status === 200 && this.#refusedTo.get(place)?.invocationId === invocationId)
      this.#refusedTo.set(place, { invocationId, hasLooked: true });
  }

  /** A function that has been refused, has looked and has ended by itself knows that its write did nothing. */
  functionEnded(invocationId: number): void {
    for (const [place, refused] of this.#refusedTo)
      if (refused.invocationId === invocationId && refused.hasLooked) this.unheardSince.delete(place);
  }

  #webValue(): string | undefined {
    const isIt = ({ key, target }: { readonly key: string; readonly target: readonly string[] }) =>
      key === copyName && target.includes("production");
    return this.web.variables.find(isIt)?.value;
  }

  async changeByHand(place: PlaceName, text: string): Promise<void> {
    if (place === "ci") this.ci.put(copyName, text, this.#sharing);
    if (place === "web") this.web.put(copyName, text, { type: "sensitive" });
    if (place === "pods") this.pods.put(copyName, text, "kubectl-edit");
    if (place === "copy") this.#store.setCurrent(copySecretArn, JSON.stringify({ [copyName]: text }));
  }

  async stored(place: PlaceName): Promise<string | undefined> {
    if (place !== "copy") return this.storedNow(place);
    return JSON.parse((await this.#store.current(copySecretArn)).text.reveal())[copyName];
  }

  /** What runs right now and holds a value; readers of the copied secret ask each time. */
  holding(): readonly { readonly place: PlaceName; readonly text: string | undefined }[] {
    const serving = this.web.serving.get("production");
    return [
      ...this.ci.runs.map(({ given }) => ({ place: "ci" as const, text: given.get(copyName) })),
      ...(serving ? [{ place: "web" as const, text: serving.built.get(copyName) }] : []),
      ...this.pods.running.map((text) => ({ place: "pods" as const, text })),
    ].filter(({ place }) => this.#used.includes(place));
  }
}

const cluster = {
  api: "https://k8s.example.com",
  namespace: "shop",
  secret: "openai",
  restart: ["deployments/worker"],
};
