import { answer, type FakeReply, type FakeRequest, matched } from "../fake.ts";

interface Rollout {
  annotations: Record<string, string>;
  revision: number;
  /** The value that each running pod was started with. */
  pods: (string | undefined)[];
  /** A rollout that has begun and not ended. */
  isRolling: boolean;
  isStuck: boolean;
}

interface Field {
  manager: string;
  text: string;
}

/** One namespace behind the API server: a Secret whose entries have managers, and workloads whose pods read it. */
export class KubernetesFake {
  readonly token = "k8s-FAKE-token";
  environment = "production";
  readonly fields = new Map<string, Field>();
  isImmutable = false;
  readonly #place: { readonly namespace: string; readonly secret: string };
  readonly #workloads: Map<string, Rollout>;
  readonly #reads: string;
  #version = 1;
  #exists = false;

  /** `reads` is the entry that the pods take at their start. */
  constructor(place: { namespace: string; secret: string; workloads: readonly string[]; reads: string }) {
    this.#place = place;
    this.#reads = place.reads;
    const idle = () => ({ annotations: {}, revision: 1, pods: [], isRolling: false, isStuck: false });
    this.#workloads = new Map(place.workloads.map((each) => [each, idle()]));
  }

  put(name: string, text: string, manager = "kubectl-create"): void {
    this.#exists = true;
    this.#version += 1;
    this.fields.set(name, { manager, text });
  }

  valueOf(name: string): string | undefined {
    return this.fields.get(name)?.text;
  }

  /** What the pods that run now were started with. */
  get running(): readonly (string | undefined)[] {
    return [...this.#workloads.values()].flatMap(({ pods }) => pods);
  }

  finish({ isStuck = false }: { readonly isStuck?: boolean } = {}): void {
    for (const rollout of this.#workloads.values()) {
      if (!rollout.isRolling) continue;
      rollout.isStuck = isStuck;
      if (isStuck) continue;
      rollout.isRolling = false;
      this.#start(rollout);
    }
  }

  /** `kubectl rollout undo`: a template without the annotation, under a newer revision. */
  undo(): void {
    for (const rollout of this.#workloads.values()) {
      rollout.annotations = {};
      rollout.revision += 1;
    }
  }

  startPods(): void {
    for (const rollout of this.#workloads.values()) this.#start(rollout);
  }

  #start(rollout: Rollout): void {
    rollout.pods = [this.valueOf(this.#reads), this.valueOf(this.#reads)];
  }

  handle(request: FakeRequest): FakeReply {
    const { headers, path } = request;
    if (headers["authorization"] !== `Bearer ${this.token}`) return answer(401);
    const { namespace, secret } = this.#place;
    if (path === `/api/v1/namespaces/${namespace}`) return answer(200, this.#namespaceText());
    if (path === `/api/v1/namespaces/${namespace}/secrets/${secret}`) return this.#secret(request);
    const [workload = ""] = matched(new RegExp(`^/apis/apps/v1/namespaces/${namespace}/(.+)$`), path) ?? [];
    const rollout = this.#workloads.get(workload);
    return rollout === undefined ? answer(404) : this.#workload(request, rollout);
  }

  #namespaceText() {
    return {
      metadata: { name: this.#place.namespace, labels: { "rekey/environment": this.environment } },
    };
  }

  #secret({ method, headers, query, body }: FakeRequest): FakeReply {
    if (method === "GET") return this.#exists ? answer(200, this.#secretText()) : answer(404);
    if (headers["content-type"] !== "application/apply-patch+yaml") return answer(415);
    const { metadata, data } = body as {
      metadata: { resourceVersion?: string };
      data: Record<string, string>;
    };
    const { resourceVersion } = metadata;
    if (resourceVersion !== undefined && resourceVersion !== String(this.#version))
      return answer(409, { reason: "Conflict", message: "the object has been modified" });
    if (this.isImmutable) return answer(422, { reason: "Invalid" });
    const manager = query.get("fieldManager") ?? "";
    const others = Object.keys(data).flatMap((name) => this.fields.get(name) ?? []);
    const owners = others.map((field) => field.manager).filter((each) => each !== manager);
    if (owners.length > 0 && query.get("force") !== "true") {
      const message = `Apply failed with 1 conflict: conflict with "${owners[0]}" using v1: .data.x`;
      return answer(409, { reason: "Conflict", message });
    }
    // What the manager applied before and does not name now is taken away.
    for (const [name, field] of this.fields)
      if (field.manager === manager && !(name in data)) this.fields.delete(name);
    for (const [name, encoded] of Object.entries(data))
      this.put(name, Buffer.from(encoded, "base64").toString("utf8"), manager);
    return answer(200, this.#secretText());
  }

  #secretText() {
    const managers = Map.groupBy(this.fields, ([, { manager }]) => manager);
    return {
      metadata: {
        resourceVersion: String(this.#version),
        managedFields: [...managers].map(([manager, fields]) => ({
          manager,
          fieldsV1: { "f:data": Object.fromEntries(fields.map(([name]) => [`f:${name}`, {}])) },
        })),
      },
      ...(this.isImmutable && { immutable: true }),
      data: Object.fromEntries(
        [...this.fields].map(([name, { text }]) => [name, Buffer.from(text).toString("base64")]),
      ),
    };
  }

  #workload({ method, headers, body }: FakeRequest, rollout: Rollout): FakeReply {
    if (method === "PATCH") {
      if (headers["content-type"] !== "application/merge-patch+json") return answer(415);
      const { annotations } = (body as Patch).spec.template.metadata;
      const before = JSON.stringify(rollout.annotations);
      Object.assign(rollout.annotations, annotations);
      if (JSON.stringify(rollout.annotations) !== before) {
        rollout.revision += 1;
        rollout.isRolling = true;
      }
    }
    const ready = rollout.isRolling ? 0 : 2;
    const missed = { type: "Progressing", status: "False", reason: "ProgressDeadlineExceeded" };
    return answer(200, {
      metadata: {
        generation: rollout.revision,
        annotations: { "deployment.kubernetes.io/revision": String(rollout.revision) },
      },
      spec: { replicas: 2, template: { metadata: { annotations: rollout.annotations } } },
      status: {
        ...{
          observedGeneration: rollout.revision,
          replicas: 2,
          updatedReplicas: ready,
          availableReplicas: 2,
        },
        conditions: rollout.isStuck ? [missed] : [],
      },
    });
  }
}

interface Patch {
  readonly spec: {
    readonly template: { readonly metadata: { readonly annotations: Record<string, string> } };
  };
}
