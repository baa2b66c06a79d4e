import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { hostFetch } from "../../sdk/host/fetch.ts";

let server: Server;
let url: string;
let serve: RequestListener;

beforeAll(async () => {
  server = createServer((request, reply) => serve(request, reply));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/path?query=1`;
});

afterAll(() => server.close());

test("method, headers and body arrive, and the answer comes back with its status, text and JSON", async () => {
  const seen: unknown[] = [];
  serve = async (request, reply) => {
    const body = (await request.toArray()).join("");
    seen.push([request.method, request.url, request.headers["x-amz-target"], body]);
    reply.writeHead(seen.length === 1 ? 200 : 400, { "x-said": "yes" }).end('{"é":1}');
  };
  const headers = { "x-amz-target": "GetSecretValue" };
  const good = await hostFetch(url, { method: "POST", headers, body: "é", redirect: "error" });
  expect([good.ok, good.status, good.headers.get("X-Said"), await good.json()]).toEqual([
    ...[true, 200, "yes", { é: 1 }],
  ]);
  const bad = await hostFetch(new URL(url));
  expect([bad.ok, bad.status, await bad.text()]).toEqual([false, 400, '{"é":1}']);
  expect(seen).toEqual([
    ["POST", "/path?query=1", "GetSecretValue", "é"],
    ["GET", "/path?query=1", undefined, ""],
  ]);
});

test("a body is read in parts where the reader wants no more than so much, and may be left unread", async () => {
  serve = (_request, reply) => reply.end("x".repeat(100_000));
  const { body } = await hostFetch(url);
  let bytes = 0;
  for await (const part of body ?? []) bytes += (part as Uint8Array).length;
  expect(bytes).toBe(100_000);
  await (await hostFetch(url)).body?.cancel();
});

test("a redirect is never followed: it is a failure where that was asked for, and else an answer", async () => {
  const paths: (string | undefined)[] = [];
  serve = (request, reply) => {
    paths.push(request.url);
    reply.writeHead(307, { location: "/elsewhere" }).end();
  };
  await expect(hostFetch(url, { redirect: "error" })).rejects.toThrow("fetch failed");
  expect((await hostFetch(url, { redirect: "manual" })).status).toBe(307);
  expect((await hostFetch(url)).status).toBe(307);
  expect(paths).not.toContain("/elsewhere");
});

test("who is not there has the system's code as the cause, as with Node's own", async () => {
  serve = () => undefined;
  const nobody = createServer();
  await new Promise<void>((resolve) => nobody.listen(0, "127.0.0.1", resolve));
  const { port } = nobody.address() as AddressInfo;
  await new Promise((resolve) => nobody.close(resolve));
  const failure = await hostFetch(`http://127.0.0.1:${port}`).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: "TypeError", cause: { code: "ECONNREFUSED" } });
});

test("an answer that breaks off is a failure, and not a shorter answer", async () => {
  serve = (_request, reply) => {
    reply.writeHead(200, { "content-length": "100" });
    reply.write("half", () => reply.destroy());
  };
  const reply = await hostFetch(url);
  await expect(reply.text()).rejects.toMatchObject({ name: "TypeError", message: "fetch failed" });
});

test.each(["before its answer", "within its answer"])(
  "a signal ends a call %s, with its reason",
  async (when) => {
    const ended = new AbortController();
    serve = (_request, reply) => {
      if (when === "before its answer") return ended.abort(new Error("too late"));
      reply.writeHead(200, { "content-length": "100" });
      reply.write("half");
    };
    const called = hostFetch(url, { signal: ended.signal }).then(async (reply) => {
      const text = reply.text();
      ended.abort(new Error("too late"));
      return text;
    });
    await expect(called).rejects.toThrow("too late");
  },
);
