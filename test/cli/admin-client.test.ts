import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { adminClient } from "../../cli/admin-client.ts";
import { sign } from "../../sdk/client/sigv4.ts";

const credentials = { accessKeyId: "AKIAFAKE", secretAccessKey: "FAKE", sessionToken: "FAKE-TOKEN" };
const deployment = { table: "rekey-production", stsEndpoint: () => "https://sts.eu-west-1.amazonaws.com" };
const signing = { region: "eu-west-1", credentials };

interface Received {
  readonly headers: IncomingMessage["headers"];
  readonly url: string;
  readonly body: string;
}

let server: Server;
let received: Received[] = [];
let reply: { status: number; body: string } = { status: 200, body: '{"outcome":"held"}' };
let address = "";

beforeEach(async () => {
  received = [];
  reply = { status: 200, body: '{"outcome":"held"}' };
  server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8");
    request.on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      received.push({ headers: request.headers, url: request.url ?? "", body });
      response.writeHead(reply.status).end(reply.body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/function-urls/admin`;
});

afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

/** The same request, signed by another implementation. */
function signatureOf({ headers, url, body }: Received): string | undefined {
  const names = /SignedHeaders=([^,]+)/.exec(headers.authorization ?? "")?.[1]?.split(";") ?? [];
  const own = new Set(["host", "x-amz-date", "x-amz-security-token"]);
  const given = names.filter((name) => !own.has(name)).map((name) => [name, String(headers[name])]);
  const date = String(headers["x-amz-date"]).replace(
    /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/,
    "$1-$2-$3T$4:$5:$6Z",
  );
  const signed = sign({
    ...{ method: "POST", url: new URL(url, address), headers: Object.fromEntries(given), body },
    ...{ service: "lambda", region: "eu-west-1", credentials, nowMs: Date.parse(date) },
  });
  return signed["authorization"];
}

test("a command is signed for the function's URL with the caller's credentials", async () => {
  const send = adminClient(address, signing, deployment);
  expect(await send({ command: "hold", secret: "billing-key", reason: "ü" })).toEqual({ outcome: "held" });
  const [request] = received;
  if (request === undefined) throw new Error("nothing was sent");
  const { order } = JSON.parse(request.body);
  expect(JSON.parse(order)).toEqual({
    ...{ command: "hold", secret: "billing-key", reason: "ü" },
    nonce: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(request.headers["x-amz-security-token"]).toBe("FAKE-TOKEN");
  expect(request.headers.authorization).toBe(signatureOf(request));
  const other = { ...request, body: request.body.replace("billing-key", "search-key") };
  expect(request.headers.authorization).not.toBe(signatureOf(other));
});

test.each([
  [403, '{"Message":"Forbidden"}', "your AWS principal may not call the admin function", 1],
  [502, "<html>", "answered 502 and no answer of its own", 3],
  [200, '{"no":"outcome"}', "answered 200 and no answer of its own", 3],
])("a %i that is no answer of the function's is explained", async (status, body, message, exitCode) => {
  reply = { status, body };
  await expect(adminClient(address, signing, deployment)({ command: "hold" })).rejects.toMatchObject({
    message: expect.stringContaining(message),
    exitCode,
  });
});

test("a function that cannot be reached is said to be so", async () => {
  const send = adminClient("http://127.0.0.1:1/", signing, deployment);
  await expect(send({ command: "hold" })).rejects.toMatchObject({
    message: expect.stringContaining("cannot be reached"),
    exitCode: 3,
  });
});

test.each(["http://example.com/", "not an address", "ftp://127.0.0.1/"])(
  "%s is no address for signed commands",
  (text) => {
    expect(() => adminClient(text, signing, deployment)).toThrow("REKEY_ADMIN_URL is not an https address");
  },
);
