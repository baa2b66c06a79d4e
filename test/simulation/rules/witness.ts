import type { IncidentRecord } from "../../../core/incident/record.ts";
import type { Policy } from "../../../core/policy.ts";
import type { Fingerprint, KeyId, SecretArn } from "../../../core/ports.ts";
import type { AccountBudget } from "../../../core/provider-account.ts";
import type { PromotedRun, SecretRecord } from "../../../core/rotation/secret-record.ts";
import type { Secret } from "../../../core/secret.ts";
import { fingerprintOf } from "../../../events/fingerprint.ts";
import type { Debt } from "../../../ledger/entries.ts";
import type { FakeReply } from "../../../providers/fake.ts";
import type { FakeKeyState } from "../../../providers/openai/fake.ts";
import { keyIn } from "../../../stores/value.ts";
import type { Instance } from "../world/consumer.ts";
import type { BoundaryCall, Invocation } from "../world/surroundings.ts";
import type { World } from "../world/world.ts";
export interface Violation {
  readonly rule: string;
  readonly detail: string;
}

/** What the truth is about one secret, whatever Rekey believes. */
export interface WatchedSecret {
  readonly secretArn: SecretArn;
  readonly policy: Policy;
  readonly instances: Instance[];
  /** What the operator declared, and from which step on. */
  readonly declarations: { readonly step: number; readonly policy: Policy }[];
  record: SecretRecord | undefined;
  /** What AWSCURRENT holds. */
  current: { readonly keyId: KeyId | undefined; readonly versionId: string };
  /** The step at which a hand last changed AWSCURRENT, and what it held from then on. */
  hand: { readonly step: number; readonly keyId: KeyId | undefined } | undefined;
  /** Every key that a hand put into AWSCURRENT, and when: whoever asks meanwhile is given it. */
  readonly handed: { readonly atMs: number; readonly keyId: KeyId | undefined }[];
  /** A second secret holds the same key: nothing can be rotated or revoked before a person separates them. */
  sharesKey: boolean;
  /** Somebody put another key into AWSCURRENT. */
  isMixedUp: boolean;
  readonly copies: {
    readonly fingerprint: Fingerprint;
    readonly copyArn: SecretArn;
    readonly versionId: string;
  }[];
  /** Keys that were accepted by the provider when the record said that they are proven. */
  readonly proven: Set<KeyId>;
  /** Consumers of which a genuine report ever said that they hold or used a key: "consumer fingerprint". */
  readonly reported: Set<string>;
  /** Every genuine report, by instance and sequence: see `reportOf`. */
  readonly sent: Set<string>;
}

/** What one run of a function has seen and done so far. */
export interface Life {
  readonly invocation: Invocation;
  readonly startedStep: number;
  /** The step of its last look at AWSCURRENT, and when it last asked for the use of each key. */
  readonly readCurrent: Map<SecretArn, number>;
  readonly askedUse: Map<KeyId, number>;
  retryAtMs: number | undefined;
}

export interface Placed {
  readonly step: number;
  readonly what: string;
  /** A stop that incidents obey, too. */
  readonly includingIncidents?: boolean;
}

/** What the simulation knows of one incident's clock, on true time. */
export interface IncidentFacts {
  openedAtMs: number | undefined;
  /** By when it has to be over or somebody be told, as long as nothing goes wrong with its clock. */
  clockMs: number;
  /** Every key dead or waived, or a person called it a false alarm. */
  settledAtMs: number | undefined;
  clockFaults: number;
}

export interface Instanced {
  readonly instance: string;
  readonly environment: string;
  readonly account: string;
}

/** An impostor's word for an instance comes from elsewhere, and says nothing about whether that one was ever heard. */
export function placeOf({ account, environment, instance }: Instanced): string {
  return `${account}/${environment}/${instance}`;
}

interface Counted {
  readonly consumer: string;
  readonly instance: string;
  readonly sequence: number;
}

/** Which report this is: of one instance each has a number of its own. */
export function reportOf({
  consumer,
  instance,
  sequence,
  account,
  environment,
}: Counted & Omit<Instanced, "instance">): string {
  return `${account}/${environment}/${consumer}/${instance} ${sequence}`;
}

/** What was seen of the world so far, and what is true in it, whatever Rekey believes. It judges nothing: rules read it. */
export class Witness {
  readonly #world: () => World;
  readonly secrets = new Map<SecretArn, WatchedSecret>();
  readonly lives = new Map<number, Life>();
  readonly keyIds = new Map<string, KeyId>();
  readonly byFingerprint = new Map<Fingerprint, KeyId>();
  readonly intended = new Set<string>();
  /** Stops and copies of keys that somebody placed, and when. */
  readonly stops = new Map<string, Placed>();
  readonly holders = new Map<Fingerprint, { readonly secretArn: SecretArn; readonly step: number }[]>();
  /** The step at which a report arrived of an instance that a person had called gone: `reportOf`. */
  readonly returned = new Map<string, number>();
  /** Per key: when consumers used it. */
  readonly uses = new Map<KeyId, number[]>();
  /** Every key that AWSCURRENT ever held: consumers may use it. */
  readonly wasCurrent = new Set<KeyId>();
  readonly wasRetiring = new Set<KeyId>();
  /** Keys whose revoke some run has recorded: its gate was asked then (letting-go.ts). */
  readonly wasLetGo = new Set<KeyId>();
  readonly wasQuarantined = new Set<KeyId>();
  /** Per key whose end was ordered: the last look at AWSCURRENT before the order. */
  readonly ends = new Map<KeyId, number>();
  readonly excused = new Set<string>();
  readonly incidents = new Map<string, IncidentRecord>();
  readonly #incidentFacts = new Map<string, IncidentFacts>();
  /** Instances of which a report has arrived: see `placeOf`. */
  readonly known = new Set<string>();
  readonly #lines: { readonly atMs: number; readonly line: string }[] = [];
  readonly violations: Violation[] = [];
  keys: readonly FakeKeyState[] = [];
  /** Of the account, where a seed gives it one. */
  budget: AccountBudget | undefined;
  step = 0;
  protected called: BoundaryCall | undefined;
  protected isStoreStale = true;
  protected lookedAtMs = 0;

  readonly usageLagMs: number;
  /** People have taken back their stops and copies. */
  isTidy = false;
  lastProbed: KeyId | undefined;
  /** Keys of which an order to contain them was answered with success, and when. */
  readonly ordered: { readonly keyId: KeyId; readonly atMs: number }[] = [];

  constructor(world: () => World, { usageLagMs }: { readonly usageLagMs: number }) {
    this.#world = world;
    this.usageLagMs = usageLagMs;
  }

  get world(): World {
    return this.#world();
  }

  violate(rule: string, detail: string): void {
    if (this.violations.length >= violationsMax) return;
    this.tell(`VIOLATION ${rule}: ${detail}`);
    this.violations.push({ rule, detail });
  }

  // ---- what Rekey does ---------------------------------------------------------------------------------

  /** Retry-After is waited out in the function, up to 20 s of it. The last 429 counts: the one it may fail with. */
  throttled({ id }: Invocation, waitMs: number): void {
    const life = this.lives.get(id);
    if (life) life.retryAtMs = this.world.time.nowMs() + Math.min(waitMs, 20_000);
  }

  get call(): BoundaryCall | undefined {
    return this.called;
  }

  /** The only time that a key's text is seen together with its id. */
  replied({ status, body }: FakeReply): void {
    if (status !== 200 || !body.includes('"value":"sk-')) return;
    const { id, value } = JSON.parse(body) as { id: string; value: string };
    this.learn({ keyId: id, text: value });
  }

  learn({ keyId, text }: { readonly keyId: KeyId; readonly text: string }): void {
    this.keyIds.set(text, keyId);
    this.byFingerprint.set(fingerprintOf(text), keyId);
  }

  isOwed(keyId: KeyId): boolean {
    return this.world.table
      .dump()
      .some(({ kind, body }) => kind === "DEBT" && (body as Debt).keyId === keyId);
  }

  incidentFacts(incidentId: string): IncidentFacts {
    const fresh = {
      openedAtMs: undefined,
      clockMs: Number.POSITIVE_INFINITY,
      settledAtMs: undefined,
      clockFaults: 0,
    };
    const facts = this.#incidentFacts.get(incidentId) ?? fresh;
    this.#incidentFacts.set(incidentId, facts);
    return facts;
  }

  // ---- what everybody else does ------------------------------------------------------------------------

  handMoved(secretArn: SecretArn): void {
    this.step += 1;
    this.isStoreStale = true;
    const secret = this.secrets.get(secretArn);
    const before = secret?.current.keyId;
    this.look();
    if (secret === undefined) return;
    const { keyId } = secret.current;
    secret.hand = { step: this.step, keyId };
    secret.handed.push({ atMs: this.world.time.nowMs(), keyId });
    // An edit of another field is merged; another key is for a person to sort out.
    secret.isMixedUp ||= keyId !== before;
  }

  tell(line: string): void {
    this.#lines.push({ atMs: this.world.time.nowMs(), line });
  }

  /** Everything that was told, in order. */
  journal(): readonly string[] {
    return this.#lines.map(({ atMs, line }) => `${stamp(atMs)} ${line}`);
  }

  // ---- the truth ---------------------------------------------------------------------------------------

  look(): void {
    this.keys = this.world.provider.state();
    if (this.world.hasTwoPlaces) this.#learnPlaces();
    this.lookedAtMs = Date.now();
    if (!this.isStoreStale) return;
    this.isStoreStale = false;
    for (const secret of this.secrets.values()) {
      const before = secret.current;
      secret.current = this.#currentOf(secret);
      if (secret.current.keyId !== undefined) this.wasCurrent.add(secret.current.keyId);
      // A hand moves it between two calls.
      const isMoved = before.versionId !== secret.current.versionId;
      if (this.called !== undefined && isMoved) this.movedDuringCall(secret, before);
    }
  }

  /** The account shows its keys again and again, so that no reply tells for the first time what one is. */
  #learnPlaces(): void {
    for (const [keyId, text] of this.world.provider.texts())
      if (!this.keyIds.has(text)) this.learn({ keyId, text });
  }

  /** AWSCURRENT is another version than before the call under way. */
  protected movedDuringCall(_secret: WatchedSecret, _before: WatchedSecret["current"]): void {}

  #currentOf({ secretArn, policy }: WatchedSecret): WatchedSecret["current"] {
    const versions = this.world.store.versions(secretArn);
    const version = versions.find(({ labels }) => labels.includes("AWSCURRENT"));
    if (version === undefined) return { keyId: undefined, versionId: "none" };
    return { keyId: this.keyIdIn(version.text, policy), versionId: version.versionId };
  }

  keyIdIn(text: Secret, { field }: Policy): KeyId | undefined {
    return this.keyIds.get(keyIn(text, field).reveal());
  }

  /** A genuine instance says what it holds and used. */
  reported(
    secret: WatchedSecret,
    {
      account,
      environment,
      detail,
    }: { account: string; environment: string; detail: Record<string, unknown> },
  ): void {
    const { consumer, holds, uses } = detail as {
      readonly consumer: string;
      readonly holds: { readonly fingerprint: Fingerprint };
      readonly uses: readonly { readonly fingerprint: Fingerprint }[];
    };
    secret.sent.add(reportOf({ account, environment, ...(detail as unknown as Counted), consumer }));
    for (const { fingerprint } of [holds, ...uses])
      secret.reported.add(`${account}/${environment}/${consumer} ${fingerprint}`);
  }

  held(fingerprint: Fingerprint, secretArn: SecretArn): void {
    const holders = this.holders.get(fingerprint) ?? [];
    this.holders.set(fingerprint, holders);
    holders.push({ secretArn, step: this.step });
  }

  used(text: string): void {
    const keyId = this.keyIds.get(text);
    if (keyId === undefined) return;
    const uses = this.uses.get(keyId) ?? [];
    this.uses.set(keyId, uses);
    uses.push(this.world.time.nowMs());
  }

  usedAt(keyId: KeyId, untilMs: number): number | undefined {
    return this.uses.get(keyId)?.findLast((atMs) => atMs <= untilMs);
  }

  keyState(keyId: KeyId | undefined): FakeKeyState | undefined {
    return this.keys.find((key) => key.keyId === keyId);
  }

  /** What a consumer needs: the provider takes the key, and for what consumers do. */
  isUsable(keyId: KeyId | undefined): boolean {
    const key = this.keyState(keyId);
    if (key === undefined || !key.isAccepted) return false;
    return key.scopes.length === 0 || key.scopes.includes("api.model.request");
  }
}

/** A hand put the key back and took it away again between two looks at AWSCURRENT: nobody can know who fetched it. */
export function wasHanded(
  { handed }: WatchedSecret,
  { run, fetchedAtMs = 0 }: { readonly run: PromotedRun; readonly fetchedAtMs: number | undefined },
): boolean {
  return handed.some(
    ({ keyId, atMs }) => keyId === run.retiring.keyId && atMs >= run.promotedAtMs && fetchedAtMs >= atMs,
  );
}

const violationsMax = 3;
const causesMax = 5;

/** Everything of an error that could be logged by whoever catches it. */
export function wordsOf(error: unknown): string {
  const words: string[] = [];
  let next = error;
  for (let depth = 0; depth < causesMax && next instanceof Error; depth++) {
    words.push(next.name, next.message, JSON.stringify(next));
    next = next.cause;
  }
  return words.join(" ");
}

const startMs = Date.UTC(2026, 0, 1);

export function stamp(nowMs: number): string {
  return `+${((nowMs - startMs) / 1000).toFixed(3)}`;
}
