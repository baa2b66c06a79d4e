import { createServer } from "node:net";
import tls from "node:tls";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { awsBounds } from "../../aws/bounds.ts";
import { boundedHttp } from "../../providers/http.ts";
import { createRekey } from "../../sdk/client/index.ts";

/** Two bytes on the wire. */
const names: Readonly<Record<number, string>> = {
  772: "TLS 1.3",
  771: "TLS 1.2",
  770: "TLS 1.1",
  769: "TLS 1.0",
};
const supportedVersions = 43;
const credentials = { accessKeyId: "AKIAFAKE", secretAccessKey: "FAKE" };

/** The versions that a client's first message offers; the server then ends the connection. */
async function offered(call: (origin: string) => Promise<unknown>): Promise<readonly string[]> {
  const hellos: Buffer[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", (hello) => {
      hellos.push(hello);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await call(`https://127.0.0.1:${port}`).catch(() => undefined);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
  const [hello] = hellos;
  if (hello === undefined) throw new Error("nobody called");
  return versionsIn(hello);
}

/** RFC 8446, 4.1.2: after the record and the handshake header come version, random, session, suites and compression. */
function versionsIn(hello: Buffer): readonly string[] {
  let at = 5 + 4 + 2 + 32;
  at += 1 + hello.readUInt8(at);
  at += 2 + hello.readUInt16BE(at);
  at += 1 + hello.readUInt8(at);
  const end = at + 2 + hello.readUInt16BE(at);
  for (at += 2; at < end; at += 4 + hello.readUInt16BE(at + 2)) {
    if (hello.readUInt16BE(at) !== supportedVersions) continue;
    const count = hello.readUInt8(at + 4) / 2;
    const versions = Array.from({ length: count }, (_, nth) => hello.readUInt16BE(at + 5 + 2 * nth));
    return versions.map((version) => names[version] ?? String(version));
  }
  throw new Error("the client's first message names no versions");
}

const aws = (origin: string) => {
  const client = new DynamoDBClient({
    ...awsBounds,
    region: "eu-west-1",
    endpoint: origin,
    credentials,
    maxAttempts: 1,
  });
  return client.send(new ListTablesCommand({})).finally(() => client.destroy());
};
const provider = (origin: string) =>
  boundedHttp({ allowHosts: [new URL(origin).host], allowLoopback: true }).send({
    ...{ method: "GET", url: origin, headers: {} },
  });
const client = async (origin: string) => {
  const rekey = createRekey({
    ...{ consumer: "billing", environment: "production", region: "eu-west-1", endpoint: origin, credentials },
  });
  await rekey.open({ secret: "billing-key" }).finally(() => rekey.close());
};

test.each([
  ["an AWS client", aws],
  ["a provider's client", provider],
  ["the consumers' client", client],
])("%s offers nothing below TLS 1.2", async (_who, call) => {
  expect(await offered(call)).toEqual(["TLS 1.3", "TLS 1.2"]);
});

describe("where the process would take less", () => {
  const { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS } = tls;
  beforeEach(() => {
    // OpenSSL speaks the old versions only at its lowest level of security.
    Object.assign(tls, { DEFAULT_MIN_VERSION: "TLSv1", DEFAULT_CIPHERS: "DEFAULT@SECLEVEL=0" });
  });
  afterEach(() => {
    Object.assign(tls, { DEFAULT_MIN_VERSION, DEFAULT_CIPHERS });
  });

  test.each([
    ["an AWS client", aws],
    ["a provider's client", provider],
  ])("%s still offers nothing below TLS 1.2", async (_who, call) => {
    expect(await offered(call)).toEqual(["TLS 1.3", "TLS 1.2"]);
  });
});
