import { Secret } from "../../../core/secret.ts";
import { compromiseEvent, type KeyCompromised } from "../../../events/compromise.ts";
import { signatureHeader, signEnvelope } from "../../../events/intake/edge/signed-envelope.ts";
import { signingSecrets } from "../../../functions/adapters/intake.ts";
import { answer as answerIntake, type UrlAnswer } from "../../../functions/alerts/intake.ts";
import type { IntakeDeps } from "../../../functions/deps.ts";
import { adminOrder } from "../plan/admin-order.ts";
import { type Forgery, forgery } from "../plan/hard-incident-plan.ts";
import { deliver } from "../plan/incidents.ts";
import type { Letter, OrderedBy, Simulated } from "../run/simulated.ts";
import { account, secretArnOf } from "./account.ts";

/** A request as it goes over the wire. */
export interface Posted {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const signedWith = new Secret("FAKE-what-the-senders-sign-with");
const guessed = new Secret("FAKE-what-somebody-guessed-FAKE");
const signingArn = secretArnOf("rekey/intake");
/** What a function behind an address lives for at most. */
const answerMs = 30_000;
const retryMs = 3_000;
const triesMax = 12;
const staleMs = 16 * 60_000;

/** Everybody who calls Rekey from outside, through the functions that answer them. */
export class Outside {
  readonly #simulation: Simulated;
  #calls = 0;
  /** Requests that are on their way, tried again included. */
  underWay = 0;
  /** Every genuine alert that the intake answered for, as it went on the bus. */
  readonly told: KeyCompromised[] = [];
  #captured: Posted | undefined;

  constructor(simulation: Simulated) {
    this.#simulation = simulation;
  }

  /** The senders' own secret, where the intake looks for it. */
  open(): void {
    this.#simulation.world.store.create(signingArn, signedWith.reveal());
  }

  /** Whoever gets no answer, or one that asks for it, sends the same bytes again. */
  async send(letter: Letter): Promise<void> {
    const posted = this.#signed(letter, { secret: signedWith, agoMs: 0 });
    this.underWay += 1;
    for (let tries = 0; tries < triesMax; tries++) {
      const reply = await this.#post(posted, { name: "intake", published: this.told });
      if (reply !== undefined && reply.statusCode < 500) {
        this.#answered(reply, { posted, isRepeat: tries > 0 });
        break;
      }
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
    this.underWay -= 1;
  }

  /** A repeat may be told that it is one: its first try was taken, and the answer lost. */
  #answered(
    { statusCode }: UrlAnswer,
    { posted, isRepeat }: { readonly posted: Posted; readonly isRepeat: boolean },
  ): void {
    const { watch } = this.#simulation;
    watch.tell(`the intake answers ${statusCode}`);
    const isTaken = statusCode === 202 || (isRepeat && statusCode === 409);
    if (isTaken) this.#captured = posted;
    else watch.violate("intake", `a genuine report is answered ${statusCode}`);
  }

  /** Nothing of it may get past the door: it starts nothing, and leaves nothing behind but its refusal. */
  async forge(letter: Letter, how: Forgery): Promise<void> {
    const posted = this.#forged(letter, how);
    if (posted === undefined) return;
    const { watch } = this.#simulation;
    const published: KeyCompromised[] = [];
    const reply = await this.#post(posted, { name: forgery, published });
    watch.tell(`a forgery (${how}) is answered ${reply?.statusCode}`);
    const isTaken = published.length > 0 || (reply !== undefined && reply.statusCode < 400);
    if (isTaken) watch.violate("intake", `a forged alert (${how}) is accepted`);
  }

  #forged(letter: Letter, how: Forgery): Posted | undefined {
    const signed = (secret: Secret, body = letter.body, agoMs = 0) =>
      this.#signed({ ...letter, body }, { secret, agoMs });
    switch (how) {
      case "wrongSignature":
        return signed(guessed);
      case "stale":
        return signed(signedWith, letter.body, staleMs);
      case "cut":
        return signed(signedWith, letter.body.slice(0, letter.body.length / 2));
      case "tampered":
        return { ...signed(signedWith), body: `${letter.body} ` };
      case "unsigned":
        return { ...signed(signedWith), headers: {} };
      case "replayed":
        return this.#captured;
    }
  }

  #signed(
    { source, body }: Letter,
    { secret, agoMs }: { readonly secret: Secret; readonly agoMs: number },
  ): Posted {
    const nonce = `FAKE-nonce-${String(++this.#calls).padStart(8, "0")}`;
    const nowMs = this.#simulation.world.time.nowMs() - agoMs;
    const headers = { [signatureHeader.toLowerCase()]: signEnvelope({ secret, body, nowMs, nonce }) };
    return { path: `/intake/${source}`, headers, body };
  }

  /** Undefined when no answer came in time; the function may still be at work. */
  #post(
    { path, headers, body }: Posted,
    facts: { readonly name: string; readonly published: KeyCompromised[] },
  ): Promise<UrlAnswer | undefined> {
    const requestContext = { requestId: this.#id(), http: { method: "POST", sourceIp: "203.0.113.7" } };
    const event = { rawPath: path, headers, body, requestContext };
    return inTime(answerIntake(event, this.#intakeDeps(facts)));
  }

  #intakeDeps({
    name,
    published,
  }: {
    readonly name: string;
    readonly published: KeyCompromised[];
  }): IntakeDeps {
    const { world, storm } = this.#simulation;
    const { ledger, audit, clock, store, log } = world.depsOutside(name);
    const arns = { report: signingArn, trufflehog: signingArn };
    const invocation = { id: -++this.#calls, functionName: name, input: undefined, skewMs: 0 };
    return {
      ...{ ledger, audit, clock, log, signing: signingSecrets(arns, { store, clock }) },
      alerts: {
        publishAck: async () => undefined,
        publish: (alerts) =>
          storm.call(
            { invocation, port: "bus", operation: "publish alerts", changes: true, given: [alerts] },
            async () => {
              published.push(...alerts);
              for (const alert of alerts) this.#onBus(alert);
            },
          ),
      },
      slackUsers: [],
      pointed: { apiBases: [], read: async () => undefined },
      countRefusal: () => 1,
    };
  }

  #onBus(alert: KeyCompromised): void {
    const detail: unknown = JSON.parse(compromiseEvent(alert).Detail);
    for (const delayMs of this.#simulation.storm.deliveries("KeyCompromised"))
      setTimeout(() => deliver(this.#simulation, detail, 0), delayMs);
  }

  /** A person's command; undefined when no answer came in time. */
  async order(
    command: Readonly<Record<string, unknown>>,
    by: OrderedBy = "FAKE-ops",
  ): Promise<Record<string, unknown> | undefined> {
    const { world, watch } = this.#simulation;
    const who = typeof by === "string" ? { principal: `arn:aws:iam::${account}:user/${by}` } : by;
    const reply = await inTime(adminOrder({ command, ...who, newId: () => this.#id() }, world));
    const said = reply && (JSON.parse(reply.body) as Record<string, unknown>);
    watch.tell(`${command["command"]} is answered ${said?.["outcome"]} ${said?.["reason"] ?? ""}`);
    return said;
  }

  #id(): string {
    this.#calls += 1;
    return `outside-${this.#calls}`;
  }
}

function inTime<Answer>(work: Promise<Answer>): Promise<Answer | undefined> {
  return Promise.race([
    work,
    new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), answerMs)),
  ]);
}
