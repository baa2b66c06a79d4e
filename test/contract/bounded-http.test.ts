import http from "node:http";
import net from "node:net";
import { boundedHttp, boundedReply, HTTP_BODY_BYTES_MAX, JSON_DEPTH_MAX } from "../../providers/http.ts";

/** A server that answers in whatever way a test wants, and counts who came. */
async function serve(answer: (incoming: http.IncomingMessage, outgoing: http.ServerResponse) => void) {
  const hosts: (string | undefined)[] = [];
  const server = http.createServer((incoming, outgoing) => {
    hosts.push(incoming.headers.host);
    answer(incoming, outgoing);
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const { port } = server.address() as net.AddressInfo;
  const close = () => {
    server.closeAllConnections();
    return new Promise<void>((settle) => server.close(() => settle()));
  };
  return { host: `127.0.0.1:${port}`, port, hosts, [Symbol.asyncDispose]: close };
}

const get = (url: string) => ({ method: "GET", url, headers: {} }) as const;

test("an address outside the allow-list is refused before anything is resolved or sent", async () => {
  let lookups = 0;
  const client = boundedHttp({
    allowHosts: ["api.test"],
    lookup: async () => {
      lookups += 1;
      return [{ address: "8.8.8.8", family: 4 }];
    },
  });
  for (const url of ["https://evil.test/", "http://api.test/", "https://a@api.test/", "https://127.0.0.1/"]) {
    await expect(client.send(get(url))).rejects.toMatchObject({ name: "AddressRefused" });
  }
  expect(lookups).toBe(0);
});

test.each([
  ["127.0.0.1"],
  ["10.0.0.1"],
  ["169.254.169.254"],
  ["::1"],
  ["::ffff:8.8.8.8"],
  ["fd00:ec2::254"],
  ["8.8.8.8", "10.0.0.1"],
])("an allowed name that resolves to %s %s is refused", async (...addresses: string[]) => {
  const found = addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
  const client = boundedHttp({ allowHosts: ["api.test"], lookup: async () => found });
  await expect(client.send(get("https://api.test/"))).rejects.toMatchObject({
    name: "AddressRefused",
    message: "outgoing address refused: PrivateAddress",
  });
});

test("stand-ins may be on loopback, not anywhere else in a private network", async () => {
  for (const address of ["10.0.0.1", "169.254.169.254"]) {
    const lookup = async () => [{ address, family: 4 }];
    const client = boundedHttp({ allowHosts: ["localhost:1", "api.test"], allowLoopback: true, lookup });
    await expect(client.send(get("https://api.test/"))).rejects.toMatchObject({ name: "AddressRefused" });
    await expect(client.send(get("http://localhost:1/"))).rejects.toMatchObject({ name: "AddressRefused" });
  }
  const lookup = async () => [{ address: "8.8.8.8", family: 4 }];
  const client = boundedHttp({ allowHosts: ["localhost:1"], allowLoopback: true, lookup });
  await expect(client.send(get("http://localhost:1/"))).rejects.toMatchObject({ message: /NotHttps/ });
});

test("a name is resolved once, and the connection goes to what was checked then", async () => {
  let connections = 0;
  const server = net.createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((settle) => server.listen(0, "127.0.0.1", settle));
  const host = `rebinding.test:${(server.address() as net.AddressInfo).port}`;
  const answers = ["127.0.0.1", "10.0.0.1"];
  const lookup = async () => [{ address: answers.shift() ?? "", family: 4 }];
  const client = boundedHttp({ allowHosts: [host], allowLoopback: true, lookup });

  await expect(client.send(get(`https://${host}/`))).rejects.toMatchObject({ name: "ProviderUnavailable" });
  expect(connections).toBe(1);
  expect(answers).toEqual(["10.0.0.1"]);
  await expect(client.send(get(`https://${host}/`))).rejects.toMatchObject({ name: "AddressRefused" });
  expect(connections).toBe(1);
  await new Promise((settle) => server.close(settle));
});

test("a redirect is an answer, not a way to go", async () => {
  await using target = await serve((_incoming, outgoing) => outgoing.end("{}"));
  await using server = await serve((_incoming, outgoing) => {
    outgoing.writeHead(302, { location: `http://${target.host}/` }).end();
  });
  const client = boundedHttp({ allowHosts: [server.host, target.host], allowLoopback: true });
  expect((await client.send(get(`http://${server.host}/`))).status).toBe(302);
  expect(target.hosts).toEqual([]);
});

test("a body without end is cut off at the limit, whether or not it states its length", async () => {
  let sentBytes = 0;
  await using server = await serve((_incoming, outgoing) => {
    const more = () => {
      while (outgoing.writable && sentBytes < 64 * HTTP_BODY_BYTES_MAX) {
        sentBytes += 65_536;
        if (!outgoing.write("x".repeat(65_536))) break;
      }
    };
    outgoing.on("drain", more);
    more();
  });
  const client = boundedHttp({ allowHosts: [server.host], allowLoopback: true });
  await expect(client.send(get(`http://${server.host}/`))).rejects.toMatchObject({ name: "ProviderGarbled" });
  expect(sentBytes).toBeLessThan(32 * HTTP_BODY_BYTES_MAX);
});

test("a server that drips its answer is given up when the time has passed", async () => {
  await using server = await serve((_incoming, outgoing) => {
    outgoing.writeHead(200);
    const drip = setInterval(() => outgoing.write(" "), 5);
    outgoing.on("close", () => clearInterval(drip));
  });
  const client = boundedHttp({ allowHosts: [server.host], allowLoopback: true });
  await expect(client.send({ ...get(`http://${server.host}/`), timeoutMs: 50 })).rejects.toMatchObject({
    name: "ProviderUnavailable",
    message: "the provider did not answer (ETIMEDOUT)",
  });
});

test("a resolver that never answers is given up as well", async () => {
  const client = boundedHttp({ allowHosts: ["api.test"], lookup: () => new Promise(() => undefined) });
  await expect(client.send({ ...get("https://api.test/"), timeoutMs: 20 })).rejects.toMatchObject({
    name: "ProviderUnavailable",
  });
});

test("nobody there, no such name and an answer that is not HTTP are all ProviderUnavailable", async () => {
  await using server = await serve((incoming) => {
    incoming.socket.end("sk-svcacct-FAKE-quoted-in-a-packet\r\n\r\n");
  });
  const client = boundedHttp({ allowHosts: [server.host], allowLoopback: true });
  const error = await client.send(get(`http://${server.host}/`)).catch((refusal: unknown) => refusal);
  expect(error).toMatchObject({ name: "ProviderUnavailable", message: expect.stringMatching(/HPE_/) });
  expect(Object.keys(error as object)).not.toContain("rawPacket");
  expect(error).not.toHaveProperty("cause");

  const nobody = boundedHttp({ allowHosts: ["127.0.0.1:1"], allowLoopback: true });
  await expect(nobody.send(get("http://127.0.0.1:1/"))).rejects.toMatchObject({
    name: "ProviderUnavailable",
  });
  const lookup = async () => {
    throw Object.assign(new Error("no such name"), { code: "ENOTFOUND" });
  };
  const nameless = boundedHttp({ allowHosts: ["api.test"], lookup });
  await expect(nameless.send(get("https://api.test/"))).rejects.toMatchObject({ message: /ENOTFOUND/ });
});

test("the request and the reply arrive as they were written", async () => {
  let seen = "";
  await using server = await serve((incoming, outgoing) => {
    incoming.on("data", (chunk) => {
      seen += `${incoming.method} ${incoming.url} ${incoming.headers["x-a"]} ${chunk}`;
      outgoing
        .writeHead(201, { "X-Answer": "yes", date: "Sun, 22 Nov 2026 12:00:00 GMT" })
        .end('{"ok":true}');
    });
  });
  const client = boundedHttp({ allowHosts: [server.host], allowLoopback: true });
  const url = `http://${server.host}/a?b=1`;
  expect(
    await client.send({ method: "POST", url, headers: { "x-a": "b" }, body: { name: "é" } }),
  ).toMatchObject({
    status: 201,
    json: { ok: true },
    headers: { "x-answer": "yes" },
    dateMs: Date.UTC(2026, 10, 22, 12),
  });
  expect(seen).toBe('POST /a?b=1 b {"name":"é"}');
});

describe("a reply's body", () => {
  const reply = (body: string) => boundedReply({ status: 200, headers: {}, body });
  const nested = (levels: number) => "[".repeat(levels) + "]".repeat(levels);

  test("may be nested to the limit and no deeper", () => {
    expect(reply(nested(JSON_DEPTH_MAX)).json).toBeDefined();
    expect(() => reply(nested(JSON_DEPTH_MAX + 1))).toThrow(/nested too deeply/);
    expect(() => reply(nested(400_000))).toThrow(/nested too deeply/);
  });

  test("may hold brackets and quotes in its texts", () => {
    const json = { text: `${"[{".repeat(100)}"\\`, next: [] };
    expect(reply(JSON.stringify(json)).json).toEqual(json);
  });

  test("that is not JSON is no JSON, and a Date that is none is no date", () => {
    expect(reply("<html>").json).toBeUndefined();
    expect(reply("").json).toBeUndefined();
    expect(boundedReply({ status: 200, headers: { date: "yesterday" }, body: "" })).not.toHaveProperty(
      "dateMs",
    );
  });

  test("loses __proto__ at every depth", () => {
    const { json } = reply(
      '{"a":{"__proto__":{"polluted":1}},"__proto__":{"polluted":1},"b":[{"__proto__":1}]}',
    );
    expect(JSON.stringify(json)).toBe('{"a":{},"b":[{}]}');
    const { json: spelt } = reply('{"a":{"\\u005f_proto__":{"polluted":1},"b":1}}');
    expect(JSON.stringify(spelt)).toBe('{"a":{"b":1}}');
    expect(Object.getPrototypeOf(json)).toBe(Object.prototype);
  });
});
