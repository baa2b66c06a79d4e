import type { Policy } from "../../../core/policy.ts";
import type { SecretArn } from "../../../core/ports.ts";
import { currentKey } from "../../../core/rotation/secret-record.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import { keyIn } from "../../../stores/value.ts";
import type { PlannedSweep } from "../faults/sharp-weather.ts";
import { Storm, type Strikes } from "../faults/storm.ts";
import { approveSteps } from "../plan/approvals.ts";
import { runCampaign } from "../plan/campaigns.ts";
import { happen } from "../plan/happenings.ts";
import { hardPolicy, startHard } from "../plan/hard-incidents.ts";
import { incidentPolicy, leak } from "../plan/incidents.ts";
import { fleetName, type PlannedFleet } from "../plan/orders-plan.ts";
import { type Plan, planFor, simulatedPropagation, skewMaxMs } from "../plan/plan.ts";
import { Random } from "../plan/random.ts";
import { supply } from "../plan/supply.ts";
import { endings } from "../rules/liveness.ts";
import { Watch } from "../rules/watch.ts";
import type { Violation, WatchedSecret } from "../rules/witness.ts";
import { account } from "../world/account.ts";
import { type ConsumerOptions, type ConsumerWorld, Instance } from "../world/consumer.ts";
import { Fleet } from "../world/fleet.ts";
import { hasKeyMaterial } from "../world/key-material.ts";
import { Outside } from "../world/outside.ts";
import { disabledScopes } from "../world/shaped.ts";
import { watchedTable } from "../world/table.ts";
import { World } from "../world/world.ts";
import type { Simulated } from "./simulated.ts";

export interface Report {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly faults: number;
  readonly steps: number;
  readonly strays: number;
  /** Everything that happened, in order: the same seed gives the same. */
  journal(): readonly string[];
}

/** One seed from its start to its last sweep. */
export async function simulate(seed: number): Promise<Report> {
  return simulatePlan(planFor(seed));
}

/** Math.random is the engine's retry jitter, the only chance that is not ours. */
export async function simulatePlan(plan: Plan, strikes?: Strikes): Promise<Report> {
  const random = Math.random;
  const dice = new Random(plan.seed, 3);
  Math.random = () => dice.next();
  const simulation = new Simulation(plan, strikes);
  try {
    await simulation.run();
    return simulation.report();
  } catch (error) {
    const isKnown = simulation.watch.violations.length > 0;
    if (!isKnown) simulation.watch.violate("harness", String(error instanceof Error ? error.stack : error));
    return simulation.report();
  } finally {
    simulation.close();
    Math.random = random;
  }
}

/** The world of one plan, and everything that its people and platforms do. */
class Simulation implements Simulated {
  readonly plan: Plan;
  readonly world: World;
  readonly watch: Watch;
  readonly storm: Storm;
  readonly secrets: WatchedSecret[] = [];
  readonly outside = new Outside(this);
  #instances = 0;
  strays = 0;
  consumerCalls = 0;

  constructor(plan: Plan, strikes?: Strikes) {
    this.plan = plan;
    this.watch = new Watch(() => this.world, { usageLagMs: simulatedPropagation.usageLagMs });
    this.watch.budget = plan.budget;
    const { weather, sharp, outage, seed, providerSkewMs } = plan;
    this.storm = new Storm({ weather, sharp, outage, seed, watch: this.watch, skewMaxMs, strikes });
    const dice = new Random(seed, 4);
    this.world = new World({
      surroundings: this.storm,
      propagation: simulatedPropagation,
      table: watchedTable((record) => this.watch.wrote(record)),
      capabilities: plan.capabilities,
      hasTwoPlaces: plan.shape?.kind === "slots",
      provider: { ...plan.provider, random: () => dice.next(), now: () => Date.now() + providerSkewMs },
    });
  }

  close(): void {
    for (const { instances } of this.secrets)
      for (const instance of instances) instance.stop({ silently: true });
    this.world.close();
  }

  report(): Report {
    const { violations, step } = this.watch;
    const { faults } = this.storm;
    const journal = () => this.watch.journal();
    return { seed: this.plan.seed, violations, faults, steps: step, strays: this.strays, journal };
  }

  async run(): Promise<void> {
    const { time } = this.world;
    await time.run(this.#open());
    this.#openAccount();
    const startMs = time.nowMs();
    for (const happening of this.plan.happenings) {
      setTimeout(() => {
        if (!this.#isViolated()) happen(this, happening).catch((error) => this.#broken(error));
      }, happening.atMs);
    }
    const { incident, hard, sharp, terms, campaign } = this.plan;
    if (terms) approveSteps(this, terms.approvesFromMs).catch((error) => this.#broken(error));
    if (campaign) runCampaign(this, campaign).catch((error) => this.#broken(error));
    for (const planned of sharp?.sweeps ?? []) setTimeout(() => this.#sweep(planned), planned.atMs);
    if (hard) startHard(this, { plan: hard, broken: (error) => this.#broken(error) });
    if (incident) setTimeout(() => leak(this, incident).catch((error) => this.#broken(error)), incident.atMs);
    await time.advance(startMs + this.plan.calmAtMs - time.nowMs(), { until: () => this.#isViolated() });
    this.storm.calm();
    if (!this.#isViolated()) await endings(this);
    if (!this.#isViolated()) this.#nothingLeaked();
  }

  /** Between two of these the scheduler waits longer; what one of them breaks off the next one takes up. */
  #sweep({ dryRun }: PlannedSweep): void {
    if (this.#isViolated()) return;
    this.watch.tell(dryRun ? "sweep, only looking" : "sweep");
    const time = new Date(this.world.time.nowMs()).toISOString();
    this.world.invoke("sweep", { time, dryRun }).catch(() => undefined);
  }

  #broken(error: unknown): void {
    this.watch.violate("harness", String(error instanceof Error ? error.stack : error));
  }

  #isViolated(): boolean {
    return this.watch.violations.length > 0;
  }

  async #open(): Promise<void> {
    for (const planned of this.plan.secrets) {
      const shared = planned.sharesKeyOf === undefined ? undefined : this.secrets[planned.sharesKeyOf];
      const sharesKeyOf = shared?.policy.field === undefined ? shared?.secretArn : undefined;
      const policy = await this.world.secret({
        name: planned.name,
        consumers: [],
        policy: { ...planned.policy, ...this.#incidentPolicy() },
        ...(planned.field !== undefined && { field: planned.field }),
        wrapping: planned.wrapping,
        ...(planned.scopes && { scopes: planned.scopes }),
        ...(planned.copies && {
          copies: planned.copies,
          takesOver: planned.hasForeignCi !== true,
          sharesCi: planned.sharesCi === true,
          hasForeignCi: planned.hasForeignCi === true,
          placeTimes: timesFor(this.plan.seed),
        }),
        ...(sharesKeyOf !== undefined && { sharesKeyOf }),
      });
      const secret = await this.#watchSecret({
        ...policy,
        ...(planned.field !== undefined && { field: planned.field }),
      });
      if (sharesKeyOf !== undefined && shared !== undefined) shared.sharesKey = secret.sharesKey = true;
      if (planned.fleet) this.world.fleet = await this.#startFleet(secret, planned.fleet);
      for (const { options } of planned.consumers) {
        for (let nth = 0; nth < (options.instances ?? 1); nth++) {
          // Instances of one consumer do not look at the secret in step.
          const refreshEveryMs = Math.min(
            options.maxStaleMs ?? 0,
            (options.refreshEveryMs ?? 0) * (1 + nth * 0.7),
          );
          await this.startInstanceOf(secret, { ...options, refreshEveryMs });
        }
      }
    }
  }

  /** Other keys of the same owner, and the person whom Rekey asks for keys. */
  #openAccount(): void {
    const { shape } = this.plan;
    const broken = (error: unknown) => this.#broken(error);
    if (shape?.kind === "assisted")
      for (const secret of this.secrets) supply(this, { secret, answers: shape.answers }).catch(broken);
    if (shape?.kind !== "atMost") return;
    const { provider } = this.world;
    for (let nth = 0; nth < shape.liveOthers; nth++) provider.addKey({ name: "somebody else's" });
    for (let nth = 0; nth < shape.disabledOthers; nth++)
      provider.addKey({ name: "nobody's any more", scopes: disabledScopes });
  }

  #incidentPolicy(): Partial<Policy> {
    const { incident, hard } = this.plan;
    return hard ? hardPolicy(hard) : incident ? incidentPolicy(incident) : {};
  }

  async #watchSecret(policy: Policy): Promise<WatchedSecret> {
    const { secretArn } = policy;
    const { text, versionId } = await this.world.store.read(secretArn);
    const key = keyIn(text, policy.field);
    const keyId = currentKey(await this.world.ledger.secret(secretArn))?.keyId;
    if (keyId !== undefined) this.watch.learn({ keyId, text: key.reveal() });
    const secret: WatchedSecret = {
      ...{
        secretArn,
        policy,
        instances: [],
        record: undefined,
        hand: undefined,
        sharesKey: false,
        isMixedUp: false,
      },
      declarations: [{ step: 0, policy }],
      current: { keyId, versionId },
      copies: [],
      handed: [],
      proven: new Set(),
      reported: new Set(),
      sent: new Set(),
    };
    secret.record = await this.world.ledger.secret(secretArn);
    this.secrets.push(secret);
    this.watch.secrets.set(secretArn, secret);
    this.watch.held(fingerprintOf(key), secretArn);
    return secret;
  }

  async #startFleet(secret: WatchedSecret, planned: PlannedFleet): Promise<Fleet> {
    const { secretArn, current } = secret;
    const options = { name: fleetName, isSilent: true, maxStaleMs: fleetUsesMs } as const;
    const pace = { refreshEveryMs: Number.POSITIVE_INFINITY, reportEveryMs: Number.POSITIVE_INFINITY };
    const fleet = new Fleet(planned, {
      start: (readsVersion) =>
        this.startInstanceOf(secret, { ...options, ...pace, ...(readsVersion && { readsVersion }) }),
      currentVersion: () => {
        const versions = this.world.store.versions(secretArn);
        const found = versions.find(({ labels }) => labels.includes("AWSCURRENT"));
        return found?.versionId ?? current.versionId;
      },
    });
    await fleet.restart();
    return fleet;
  }

  /** One more instance of a planned consumer, watched. */
  async startInstance(secret: WatchedSecret, consumer: number): Promise<Instance | undefined> {
    const index = this.secrets.indexOf(secret);
    const planned = this.plan.secrets[index]?.consumers[consumer];
    if (planned === undefined) return undefined;
    return this.startInstanceOf(secret, planned.options);
  }

  async startInstanceOf(secret: WatchedSecret, options: ConsumerOptions): Promise<Instance> {
    this.#instances += 1;
    const { field } = secret.policy;
    const settled = {
      ...instanceDefaults,
      ...options,
      ...(field !== undefined && { field }),
    };
    const world = this.#consumerWorld(secret, options);
    const instance = new Instance(`${options.name}-${this.#instances}`, settled, world);
    secret.instances.push(instance);
    await instance.start();
    return instance;
  }

  #consumerWorld(secret: WatchedSecret, { readsVersion }: ConsumerOptions): ConsumerWorld {
    const world = this.world.consumerWorld(secret.secretArn);
    const pinned = { current: (arn: SecretArn) => this.world.store.read(arn, readsVersion) };
    return {
      ...world,
      ...(readsVersion !== undefined && { store: pinned }),
      http: {
        send: async (request) => {
          this.consumerCalls += 1;
          const reply = await world.http.send(request);
          const bearer = (request.headers["authorization"] ?? "").replace("Bearer ", "");
          if (reply.status === 200) this.watch.used(bearer);
          return reply;
        },
      },
      report: (from, detail) => {
        this.watch.reported(secret, { ...from, detail });
        world.report(from, detail);
      },
    };
  }

  /** S6, at rest and in motion: what was logged, published and stored. */
  #nothingLeaked(): void {
    const { logs, events, runs, table, pages, reports } = this.world;
    const places: readonly (readonly [string, unknown])[] = [
      ["a log line", logs],
      ["an event", events],
      ["a page", pages],
      ["a report", reports],
      ["the ledger", table.dump()],
      ["an execution's end", [...runs.values()].map(({ outcome }) => outcome)],
    ];
    for (const [place, content] of places)
      if (hasKeyMaterial(JSON.stringify(content))) this.watch.violate("S6", `${place} shows key material`);
  }
}

/** Slow ones take longer than any quiet window, so that only the gate's question keeps the key alive meanwhile. */
const [quick, slow] = [
  { buildMs: 3_000, rolloutMs: 2_000, runEveryMs: 5_000, runMs: 4_000 },
  { buildMs: 9_000, rolloutMs: 9_000, runEveryMs: 10_000, runMs: 9_000 },
];
const timesFor = (seed: number) => (seed % 16 === 4 ? quick : slow);

/** Longer than a run of the simulator: it holds what it was started with. */
const fleetUsesMs = 24 * 3_600_000;

const instanceDefaults = {
  ...{ environment: "production", account, instances: 1, maxStaleMs: 20_000 },
  ...{ refreshEveryMs: 10_000, useEveryMs: 10_000, reportEveryMs: 30_000 },
};
