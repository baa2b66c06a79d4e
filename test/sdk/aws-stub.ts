import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StubCall {
  target: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: Record<string, unknown>;
  raw: string;
}

type Answer = { status: number; body: unknown; headers?: Record<string, string> };

/** Secrets Manager and EventBridge on loopback, for real HTTP clients: one secret, with its versions. */
export class AwsStub {
  readonly calls: StubCall[] = [];
  readonly arn = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:billing-AbCdEf";
  value = "FAKE-key-1";
  versionId = "v1";
  binary: string | undefined;
  /** Answers instead of the stub, once per entry. */
  readonly faults: Answer[] = [];
  hangs = false;
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #waiting = new Set<ServerResponse>();

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  count(action: string): number {
    return this.calls.filter(({ target }) => target.endsWith(`.${action}`)).length;
  }

  async close(): Promise<void> {
    for (const response of this.#waiting) response.destroy();
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let raw = "";
    for await (const chunk of request) raw += String(chunk);
    if (request.url === "/hop") return void response.end("hop");
    const target = String(request.headers["x-amz-target"]);
    const body = JSON.parse(raw || "{}") as Record<string, unknown>;
    this.calls.push({ target, headers: request.headers, body, raw });
    if (this.hangs) return void this.#waiting.add(response);
    const { status, body: answer, headers } = this.faults.shift() ?? this.#answer(target, body);
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1", ...headers });
    response.end(typeof answer === "string" ? answer : JSON.stringify(answer));
  }

  #answer(target: string, body: Record<string, unknown>): Answer {
    const { arn, versionId } = this;
    if (target === "AWSEvents.PutEvents")
      return { status: 200, body: { FailedEntryCount: 0, Entries: [{ EventId: "1" }] } };
    if (body["SecretId"] === "absent") {
      return {
        status: 400,
        body: { __type: "com.amazonaws#ResourceNotFoundException", message: "FAKE-key-1" },
      };
    }
    if (target === "secretsmanager.DescribeSecret") {
      return {
        status: 200,
        body: { ARN: arn, Name: "billing", VersionIdsToStages: { [versionId]: ["AWSCURRENT"] } },
      };
    }
    const secret = this.binary === undefined ? { SecretString: this.value } : { SecretBinary: this.binary };
    const reading = { ARN: arn, Name: "billing", VersionId: body["VersionId"] ?? versionId, ...secret };
    const stages = [body["VersionStage"] ?? "AWSCURRENT"];
    return { status: 200, body: { ...reading, VersionStages: stages, CreatedDate: 1_760_000_000.5 } };
  }
}
