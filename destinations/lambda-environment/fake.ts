import { answer, type FakeReply, type FakeRequest, matched } from "../fake.ts";

type Variables = Readonly<Record<string, string>>;

interface Published {
  readonly version: string;
  readonly variables: Variables;
  readonly code: string;
}

/** One function with its published versions and an alias, behind Lambda's REST protocol. */
export class LambdaFake {
  variables: Variables = {};
  readonly published: Published[] = [];
  readonly alias: { version: string; revision: number; besides: Record<string, number> };
  environment = "production";
  code = "code-1";
  /** How many reads find an update still under way. */
  updateTakes = 0;
  /** No call is allowed. */
  isDenied = false;
  #isStuck = false;
  #revision = 1;
  #former = "";
  #updating = 0;
  readonly #place: { readonly arn: string; readonly alias: string };

  constructor(place: { arn: string; alias: string }) {
    this.#place = place;
    this.alias = { version: this.publish(), revision: 1, besides: {} };
  }

  /** Somebody else changes a variable. */
  put(name: string, text: string): void {
    this.#update({ ...this.variables, [name]: text });
  }

  publish(): string {
    const version = String(this.published.length + 1);
    this.published.push({ version, variables: this.variables, code: this.code });
    return version;
  }

  moveAlias(version: string): void {
    this.#former = this.alias.version;
    Object.assign(this.alias, { version, revision: this.alias.revision + 1 });
  }

  rollBack(): void {
    this.moveAlias(this.#former);
  }

  /** The update of the configuration ends without success. */
  fail(): void {
    this.#isStuck = true;
  }

  running(name: string): string | undefined {
    return this.published.find(({ version }) => version === this.alias.version)?.variables[name];
  }

  #update(variables: Variables): void {
    this.variables = variables;
    this.#revision += 1;
    this.#updating = this.updateTakes;
  }

  handle(request: FakeRequest): FakeReply {
    if (this.isDenied) return refusal(403, "AccessDeniedException");
    const { method, path } = request;
    const [at = "", rest = ""] = matched(/^\/[\d-]+\/(?:functions|tags)\/([^/]+)(\/.*)?$/, path) ?? [];
    if (at !== this.#place.arn) return refusal(404, "ResourceNotFoundException");
    if (path.includes("/tags/")) return answer(200, { Tags: { Environment: this.environment } });
    const aliasPath = `/aliases/${this.#place.alias}`;
    switch (`${method} ${rest}`) {
      case "GET /configuration":
        return this.#configuration(request.query.get("Qualifier"));
      case "PUT /configuration":
        return this.#change(request.body as Input);
      case "POST /versions":
        return this.#publish(request.body as Input);
      case `GET ${aliasPath}`:
        return answer(200, this.#aliased());
      case `PUT ${aliasPath}`:
        return this.#move(request.body as Input);
      default:
        return refusal(404, "ResourceNotFoundException");
    }
  }

  #configuration(qualifier: string | null): FakeReply {
    const latest = { version: "$LATEST", variables: this.variables, code: this.code };
    const found = qualifier === null ? latest : this.published.find(({ version }) => version === qualifier);
    if (found === undefined) return refusal(404, "ResourceNotFoundException");
    return answer(200, {
      ...{ Version: found.version, Environment: { Variables: found.variables }, CodeSha256: found.code },
      ...{ RevisionId: String(this.#revision), LastUpdateStatus: this.#status() },
    });
  }

  #status(): string {
    if (this.#isStuck) return "Failed";
    if (this.#updating === 0) return "Successful";
    this.#updating -= 1;
    return "InProgress";
  }

  #change({ RevisionId, Environment }: Input): FakeReply {
    if (RevisionId !== String(this.#revision)) return refusal(412, "PreconditionFailedException");
    if (this.#updating > 0) return refusal(409, "ResourceConflictException");
    this.#update(Environment?.Variables ?? {});
    return answer(200);
  }

  #publish({ RevisionId }: Input): FakeReply {
    if (RevisionId !== String(this.#revision)) return refusal(412, "PreconditionFailedException");
    return answer(201, { Version: this.publish() });
  }

  #move({ FunctionVersion = "", RevisionId }: Input): FakeReply {
    if (RevisionId !== String(this.alias.revision)) return refusal(412, "PreconditionFailedException");
    this.moveAlias(FunctionVersion);
    return answer(200, this.#aliased());
  }

  #aliased() {
    const { version: FunctionVersion, revision, besides } = this.alias;
    const RoutingConfig = { AdditionalVersionWeights: besides };
    return { Name: this.#place.alias, FunctionVersion, RevisionId: String(revision), RoutingConfig };
  }
}

interface Input {
  readonly RevisionId?: string;
  readonly FunctionVersion?: string;
  readonly Environment?: { readonly Variables?: Variables };
}

function refusal(status: number, code: string): FakeReply {
  const { body } = answer(status, { Type: "User", message: "FAKE" });
  return { status, headers: { "content-type": "application/json", "x-amzn-errortype": code }, body };
}
