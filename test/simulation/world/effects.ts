import { SecretUnusable } from "../../../core/errors.ts";
import type { HttpReply, HttpRequest } from "../../../providers/http.ts";
import type { OpenAiFake } from "../../../providers/openai/fake.ts";
import type { MemoryStore, VersionView } from "../../../stores/secrets-manager/fake.ts";
import { secretArnOf } from "./account.ts";
import type { BoundaryCall } from "./surroundings.ts";

/** Most stories are about this secret alone; a version of another one says whose it is. */
const usualSecretArn = secretArnOf("billing-key");

interface Targets {
  readonly provider: OpenAiFake;
  readonly store: MemoryStore;
}

interface StoreChange {
  readonly secretArn: string;
  readonly versionId?: string;
  readonly label?: string;
  readonly to?: string;
}

/** What Rekey did to the store and the provider and told people, in order and in short names: "put v2", "delete k1". */
export class Effects {
  /** The last probe in the list, and the key that it refused. */
  #probe = "";
  #refused: string | undefined;
  readonly list: string[] = [];
  readonly #targets: Targets;

  constructor(targets: Targets) {
    this.#targets = targets;
  }

  /** The provider's keys are k1, k2, ... in the order in which it made them. */
  keyName(keyId: string): string {
    const index = this.#targets.provider.state().findIndex((key) => key.keyId === keyId);
    return index < 0 ? keyId : `k${index + 1}`;
  }

  /** A secret's versions are v1, v2, ... in the order in which they were stored. */
  versionName(secretArn: string, versionId: string): string {
    const index = this.#versions(secretArn).findIndex((each) => each.versionId === versionId);
    const name = index < 0 ? versionId : `v${index + 1}`;
    return secretArn === usualSecretArn ? name : `${name} of ${nameOf(secretArn)}`;
  }

  /** Looks at what is about to change; the answer says what became of it. */
  before(call: BoundaryCall): (answer: unknown) => void {
    if (call.port === "provider") return this.#noteProvider(call.given[0] as HttpRequest);
    if (call.port === "destination" && call.changes) return this.#notePlace(call.operation);
    if (call.port === "store" && call.changes)
      return this.#noteStore(call.operation, call.given[0] as StoreChange);
    return () => undefined;
  }

  #noteStore(operation: string, { secretArn, versionId = "", label = "", to }: StoreChange) {
    const holder = this.#versions(secretArn).find(({ labels }) => labels.includes(label))?.versionId;
    return (answer: unknown) => {
      if (answer instanceof Error) return;
      if (operation === "put") return void this.list.push(`put ${this.versionName(secretArn, versionId)}`);
      if (holder === to) return;
      const words =
        to === undefined
          ? `strip ${label} from ${this.versionName(secretArn, holder ?? "")}`
          : `move ${label} to ${this.versionName(secretArn, to)}`;
      this.list.push(answer === "moved" ? words : `${words}: ${String(answer)}`);
    };
  }

  #notePlace(operation: string): (answer: unknown) => void {
    const [place = "", , path = ""] = operation.split(" ");
    const isStart = path.endsWith("/deployments") || path.includes("/apis/apps/");
    return (answer) => {
      const status = answer instanceof Error ? 0 : (answer as HttpReply).status;
      const ending = answer instanceof Error ? ", reply lost" : status >= 300 ? `: ${status}` : "";
      this.list.push(`${isStart ? "activate" : "copy to"} ${place}${ending}`);
    };
  }

  #noteProvider(request: HttpRequest): (answer: unknown) => void {
    const { provider } = this.#targets;
    const path = new URL(request.url).pathname;
    const verb = verbFor(request.method, { path, body: request.body });
    if (verb === undefined) return () => undefined;
    const keysBefore = provider.state().length;
    return (answer) => {
      const status = answer instanceof Error ? 0 : (answer as HttpReply).status;
      const ending = answer instanceof Error ? ", reply lost" : status >= 300 ? `: ${status}` : "";
      const hasMinted = provider.state().length > keysBefore;
      if (verb === "mint") this.list.push(`mint${hasMinted ? ` k${keysBefore + 1}` : ""}${ending}`);
      else if (verb === "verify") this.#noteVerify(this.#bearerOf(request), ending);
      else this.list.push(`${verb} ${this.keyName(path.slice(path.lastIndexOf("/") + 1))}${ending}`);
    };
  }

  /**
   * A probe that is refused is followed by its controls, a key that lives and one that was never issued. They are left
   * out of the list, which stays readable without them.
   */
  #noteVerify(bearer: string, ending: string): void {
    const isControl =
      this.#refused !== undefined && this.#refused !== bearer && this.list.at(-1) === this.#probe;
    if (isControl) return;
    this.#probe = `verify ${bearer}${ending}`;
    this.#refused = ending === ": 401" ? bearer : undefined;
    this.list.push(this.#probe);
  }

  #bearerOf({ headers }: HttpRequest): string {
    const bearer = (headers["authorization"] ?? "").slice("Bearer ".length);
    const known = [...this.#targets.provider.texts()].find(([, text]) => text === bearer);
    return known === undefined ? unknownKey : this.keyName(known[0]);
  }

  /** Of a secret that was deleted there are none, and the store refuses the question. */
  #versions(secretArn: string): readonly VersionView[] {
    try {
      return this.#targets.store.versions(secretArn);
    } catch (error) {
      if (error instanceof SecretUnusable) return [];
      throw error;
    }
  }
}

const unknownKey = "an unknown key";
const nameOf = (secretArn: string) => /:secret:(.+)-\w{6}$/.exec(secretArn)?.[1] ?? secretArn;

function verbFor(
  method: string,
  { path, body }: { readonly path: string; readonly body: unknown },
): string | undefined {
  if (method === "GET") return path.endsWith("/models") ? "verify" : undefined;
  if (method === "DELETE") return "delete";
  if (path.endsWith("/api_keys")) return "mint";
  if (path.endsWith("/regenerateKey")) return "mint";
  if (!path.includes("/api_keys/")) return undefined;
  const { scopes } = body as { scopes?: readonly string[] };
  if (scopes === undefined) return "extend";
  return scopes.includes("api.files.read") ? "narrow" : "restore";
}
