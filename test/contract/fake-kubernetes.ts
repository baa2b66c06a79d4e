import { createHash } from "node:crypto";
import type { FakeReply, FakeRequest } from "../../providers/fake.ts";

type Annotations = Record<string, string>;

/** A deployment, a stateful set, an ExternalSecret and classes of the Secrets Store CSI driver behind the Kubernetes API, moved on by hand. */
export class FakeKubernetes {
  readonly origin = "https://k8s.example.com";
  readonly token = "token-FAKE";
  readonly calls: string[] = [];
  readonly deployment = new FakeRollout("deployment");
  readonly statefulSet = new FakeRollout("stateful set");
  readonly external = new FakeExternalSecret();
  /** By namespace and name. A number is the status that the API answers instead. */
  readonly classes = new Map<string, { provider: string; parameters: object } | number>();
  status = 200;
  body: string | undefined;

  target(kind: "deployments" | "statefulsets" | "externalsecrets"): string {
    const group = kind === "externalsecrets" ? "external-secrets.io/v1" : "apps/v1";
    const tokenArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:rekey/admin/k8s-AbCdEf";
    return `${this.origin}/apis/${group}/namespaces/shop/${kind}/billing#${tokenArn}`;
  }

  handle({ method, path, headers, body }: FakeRequest): FakeReply {
    const kind = path.split("/").at(-2) ?? "";
    this.calls.push(`${method} ${kind}`);
    if (headers["authorization"] !== `Bearer ${this.token}`) return replyOf(401, {});
    if (this.status !== 200 || this.body !== undefined) return replyOf(this.status, {}, this.body);
    if (kind === "secretproviderclasses") return this.#classAt(path);
    const object = {
      deployments: this.deployment,
      statefulsets: this.statefulSet,
      externalsecrets: this.external,
    }[kind];
    if (object === undefined) return replyOf(404, {});
    if (method === "PATCH") {
      if (headers["content-type"] !== "application/merge-patch+json") return replyOf(415, {});
      object.patch(body as never);
    }
    return replyOf(200, object.state());
  }

  #classAt(path: string): FakeReply {
    const [, namespace = "", name = ""] =
      /^\/apis\/secrets-store\.csi\.x-k8s\.io\/v1\/namespaces\/([^/]+)\/secretproviderclasses\/([^/]+)$/.exec(
        path,
      ) ?? [];
    const spec = this.classes.get(`${namespace}/${name}`) ?? 404;
    return typeof spec === "number" ? replyOf(spec, {}) : replyOf(200, { spec });
  }
}

function replyOf(status: number, json: unknown, body = JSON.stringify(json)): FakeReply {
  return { status, headers: {}, body };
}

/** Generation and template change at once; the controller sees it and replaces pods only when it is told to. */
export class FakeRollout {
  readonly kind: "deployment" | "stateful set";
  replicas = 3;
  generation = 1;
  paused = false;
  annotations: Annotations = {};
  image = "billing:1";
  env: { name: string; value?: string; valueFrom?: object }[] | undefined;
  volumes: object[] | undefined;
  observedGeneration = 1;
  updated = 3;
  available = 3;
  total = 3;
  deadlineMissed = false;
  #revision = 1;
  #former = "";

  constructor(kind: FakeRollout["kind"]) {
    this.kind = kind;
    this.#former = this.#hash();
  }

  patch({ spec }: { spec: { template: { metadata: { annotations: Annotations } } } }): void {
    const before = this.#hash();
    Object.assign(this.annotations, spec.template.metadata.annotations);
    if (this.#hash() !== before) this.#touched();
  }

  change(image: string): void {
    this.image = image;
    this.#touched();
  }

  /** `kubectl rollout undo`: the former template, under a new revision. */
  undo(): void {
    this.annotations = {};
    this.#touched();
  }

  /** The controller has seen the change, and some pods are new. */
  progress(updated: number): void {
    this.observedGeneration = this.generation;
    Object.assign(this, {
      updated,
      available: this.replicas,
      total: this.replicas + (updated < this.replicas ? 1 : 0),
    });
  }

  finish(): void {
    this.progress(this.replicas);
    this.#former = this.#hash();
  }

  state(): unknown {
    const isDeployment = this.kind === "deployment";
    return {
      metadata: {
        generation: this.generation,
        annotations: isDeployment ? { "deployment.kubernetes.io/revision": String(this.#revision) } : {},
      },
      spec: {
        replicas: this.replicas,
        ...(this.paused && { paused: true }),
        template: this.#template(),
      },
      status: {
        observedGeneration: this.observedGeneration,
        replicas: this.total,
        updatedReplicas: this.updated,
        availableReplicas: this.available,
        ...(!isDeployment && { updateRevision: this.#hash(), currentRevision: this.#former }),
        conditions: [
          this.deadlineMissed
            ? { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" }
            : { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" },
        ],
      },
    };
  }

  #touched(): void {
    this.generation += 1;
    this.#revision += 1;
    this.updated = 0;
  }

  #template() {
    const spec = { containers: [this.#container()], ...(this.volumes && { volumes: this.volumes }) };
    return { metadata: { annotations: this.annotations }, spec };
  }

  #container() {
    return { image: this.image, ...(this.env && { env: this.env }) };
  }

  #hash(): string {
    return createHash("sha256").update(JSON.stringify(this.#template())).digest("hex").slice(0, 10);
  }
}

/** The operator syncs when it is told to, with the annotations it read when it began. */
export class FakeExternalSecret {
  annotations: Annotations = {};
  spec: unknown = { data: [] };
  refreshTime = "2026-01-01T00:00:00Z";
  ready: "True" | "False" = "True";
  #synced = "1-before";

  patch({ metadata }: { metadata: { annotations: Annotations } }): void {
    Object.assign(this.annotations, metadata.annotations);
  }

  begin(): () => void {
    const read = `1-${JSON.stringify(this.annotations)}`;
    return () => {
      this.#synced = read;
      this.refreshTime = "2026-01-01T00:10:00Z";
    };
  }

  state(): unknown {
    return {
      metadata: { annotations: this.annotations },
      spec: this.spec,
      status: {
        refreshTime: this.refreshTime,
        syncedResourceVersion: this.#synced,
        conditions: [
          {
            type: "Ready",
            status: this.ready,
            reason: this.ready === "True" ? "SecretSynced" : "SecretSyncedError",
          },
        ],
      },
    };
  }
}
