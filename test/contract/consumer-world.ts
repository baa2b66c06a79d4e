import { SendMessageCommand, type SendMessageCommandInput, type SQSClient } from "@aws-sdk/client-sqs";
import type { EvidenceSource, RefreshAnswer, RefreshNote, RefreshPlace } from "../../consumers/ports.ts";
import type { Reach } from "../../consumers/reach.ts";
import { refreshers } from "../../consumers/refreshers.ts";
import { evidenceSources } from "../../consumers/sources.ts";
import type { RestartEvidence } from "../../core/adoption/evidence.ts";
import type { ConsumerPolicy, Policy } from "../../core/policy.ts";
import type { RekeyEvent } from "../../core/ports.ts";
import { Secret } from "../../core/secret.ts";
import { fingerprintOf } from "../../events/fingerprint.ts";
import { type FakeReply, type FakeRequest, fakeHttp } from "../../providers/fake.ts";
import { FakeEcs, named } from "./fake-ecs.ts";
import { FakeKubernetes } from "./fake-kubernetes.ts";
import { FakeLambda } from "./fake-lambda.ts";

export const minute = 60_000;
export const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-AbCdEf";
export const retiringText = "sk-FAKE-retiring";
export const incomingText = "sk-FAKE-incoming";
export const webhookKey = "signing-key-FAKE";
export const webhookUrl =
  "https://hooks.example.com/rekey#arn:aws:secretsmanager:eu-west-1:111122223333:secret:rekey/admin/hook-AbCdEf";
export const queueArn = "arn:aws:sqs:eu-west-1:111122223333:billing-refresh";

/** Consumers' platforms with state, one version to move to, and a clock that only tests move. */
export class ConsumerWorld {
  readonly ecs = new FakeEcs();
  readonly lambda = new FakeLambda();
  readonly kubernetes = new FakeKubernetes();
  readonly notes = new Map<string, RefreshNote>();
  readonly events: RekeyEvent[] = [];
  readonly messages: SendMessageCommandInput[] = [];
  readonly hooks: FakeRequest[] = [];
  hookStatus = 204;
  sqsError: string | undefined;
  memoryError: Error | undefined;
  versionId = "v2";
  readonly retiring = { versionId: "v1", fingerprint: fingerprintOf(new Secret(retiringText)) };
  nowMs = Date.UTC(2026, 0, 1);
  consumer: ConsumerPolicy;
  allowed: string[];
  #nonces = 0;

  constructor(consumer: Partial<ConsumerPolicy>) {
    this.consumer = {
      name: "billing",
      environment: "production",
      account: "111122223333",
      evidence: ["ecs"],
      maxStaleMs: 5 * minute,
      demandUse: false,
      refresh: { kind: "announce" },
      ...consumer,
    };
    this.allowed = [this.consumer.refresh.target, this.consumer.workload].filter(
      (each) => each !== undefined,
    );
  }

  async refresh(): Promise<RefreshAnswer> {
    const { kind } = this.consumer.refresh;
    return refreshers({ allowed: this.allowed, reach: this.#reach() })[kind].refresh({
      ...{ consumer: this.consumer, secretArn, secretName: "billing-key", versionId: this.versionId },
      ...{ rotationId: "r-1", nowMs: this.nowMs, deadlineAtMs: this.nowMs + 60 * minute },
      memory: this.#memory,
      bus: { publish: async (event) => void this.events.push(event) },
    });
  }

  /** What the gate hears of the consumer now. */
  async look(): Promise<RestartEvidence> {
    const [evidence] = await this.observe();
    if (evidence === undefined) throw new Error("no source said anything");
    return evidence;
  }

  async observe(
    policy: Pick<Policy, "consumers"> = { consumers: [this.consumer] },
  ): Promise<readonly RestartEvidence[]> {
    const { retiring } = this;
    const incoming = { versionId: this.versionId, fingerprint: fingerprintOf(new Secret(incomingText)) };
    const question = { policy: { ...policy, secretArn } as Policy, retiring, incoming };
    const found: RestartEvidence[] = [];
    for (const source of this.sources()) {
      const said = await source.observe({ ...question, nowMs: this.nowMs, memory: this.#memory });
      found.push(...(said as readonly RestartEvidence[]));
    }
    return found;
  }

  sources(): readonly EvidenceSource[] {
    return evidenceSources({ reach: this.#reach(), allowed: this.allowed });
  }

  /** The state that the gate hears, and in how long it changes by itself. */
  async state(): Promise<string> {
    const { state, remainingMs } = await this.look();
    return remainingMs === undefined ? state : `${state} for ${remainingMs / minute} min`;
  }

  later(ms: number): void {
    this.nowMs += ms;
  }

  readonly #memory = {
    recall: async (place: RefreshPlace) => this.notes.get(JSON.stringify(place)),
    remember: async (place: RefreshPlace, note: RefreshNote) => {
      if (this.memoryError) throw this.memoryError;
      this.notes.set(JSON.stringify(place), note);
    },
  };

  #reach(): Reach {
    const sqs = { send: async (command: unknown) => this.#queue(command) };
    return {
      ecs: this.ecs.clients,
      lambda: this.lambda.clients,
      sqs: () => sqs as unknown as Pick<SQSClient, "send">,
      http: fakeHttp((request) => this.#answer(request)),
      read: async (arn) => new Secret(arn.includes("k8s") ? this.kubernetes.token : webhookKey),
      newNonce: () => `nonce-${++this.#nonces}`,
      pause: async (ms) => this.later(ms),
    };
  }

  #answer(request: FakeRequest): FakeReply {
    if (request.path !== "/rekey") return this.kubernetes.handle(request);
    this.hooks.push(request);
    return { status: this.hookStatus, headers: {}, body: "" };
  }

  #queue(command: unknown): unknown {
    if (this.sqsError) throw named(this.sqsError);
    if (!(command instanceof SendMessageCommand)) throw new Error("the fake does not know this call");
    this.messages.push(command.input);
    return { MessageId: `m-${this.messages.length}` };
  }
}
