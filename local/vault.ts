import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { VaultFake } from "../stores/vault/fake.ts";
import { callerIdentity, textOf } from "./caller-identity.ts";

export interface VaultServer {
  readonly fake: VaultFake;
  readonly url: string;
  close(): Promise<void>;
}

/** A Vault server on loopback. An AWS login is sent on to the STS of the local cloud, which checks its signature. */
export async function startVault({ sts }: { readonly sts: () => string }): Promise<VaultServer> {
  const fake = new VaultFake(Date.now);
  const server = createServer((incoming, outgoing) => {
    answer(incoming)
      .then(({ status, text }) =>
        outgoing.writeHead(status, { "content-type": "application/json" }).end(text),
      )
      .catch(() => outgoing.destroy());
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  async function answer(incoming: IncomingMessage) {
    const { pathname: path, searchParams: query } = new URL(incoming.url ?? "/", "http://127.0.0.1");
    const text = await textOf(incoming);
    const headers = Object.fromEntries(
      Object.entries(incoming.headers).map(([name, value]) => [name, String(value)]),
    );
    const given = { method: incoming.method ?? "GET", path, query, headers, text };
    if (path !== "/v1/auth/aws/login") return fake.handle(given);
    const who = await identityOf(JSON.parse(text) as Record<string, string>, sts());
    fake.identify = () => who;
    return fake.handle(given);
  }

  return {
    fake,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The role's ARN, as Vault makes it of the session's; undefined where STS refuses the signature. */
async function identityOf(login: Readonly<Record<string, string>>, sts: string): Promise<string | undefined> {
  const decoded = (name: string) => Buffer.from(login[name] ?? "", "base64").toString("utf8");
  const headers = JSON.parse(decoded("iam_request_headers") || "{}") as Record<string, string>;
  const arn = await callerIdentity({ sts, headers, body: decoded("iam_request_body") });
  const [, account = "", role = ""] =
    /^arn:aws:sts::(\d{12}):assumed-role\/([\w+=,.@-]+)\//.exec(arn ?? "") ?? [];
  return role === "" ? undefined : `arn:aws:iam::${account}:role/${role}`;
}
