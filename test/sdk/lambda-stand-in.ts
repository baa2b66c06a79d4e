import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** Lambda's side of the Extensions API: hands out events one by one and remembers what it was told. */
export class LambdaStandIn {
  readonly told: {
    path: string;
    name: string | undefined;
    identifier: string | undefined;
    error: string | undefined;
  }[] = [];
  readonly #server = createServer((request, response) => void this.#serve(request, response));
  readonly #events: object[] = [];
  #waiting: ServerResponse | undefined;
  #onIdle: (() => void) | undefined;

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return this;
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Settles when the extension has asked for its next event, which ends an Invoke phase. */
  async idle(): Promise<void> {
    if (this.#waiting && this.#events.length === 0) return;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
    });
  }

  async invoke(): Promise<void> {
    await this.idle();
    this.#send({ eventType: "INVOKE", deadlineMs: Date.now() + 3_000, requestId: "r-1" });
    await this.idle();
  }

  async shutDown(): Promise<void> {
    await this.idle();
    this.#send({ eventType: "SHUTDOWN", shutdownReason: "SPINDOWN", deadlineMs: Date.now() + 2_000 });
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #send(event: object): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting) waiting.end(JSON.stringify(event));
    else this.#events.push(event);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for await (const _ of request);
    const header = (name: string) => request.headers[name]?.toString();
    this.told.push({
      path: request.url ?? "",
      name: header("lambda-extension-name"),
      identifier: header("lambda-extension-identifier"),
      error: header("lambda-extension-function-error-type"),
    });
    if (request.url?.endsWith("/register")) response.setHeader("Lambda-Extension-Identifier", "id-1");
    if (!request.url?.endsWith("/event/next")) return void response.writeHead(200).end("{}");
    const event = this.#events.shift();
    if (event) return void response.end(JSON.stringify(event));
    this.#waiting = response;
    this.#onIdle?.();
  }
}
