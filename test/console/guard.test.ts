import { request } from "node:http";
import type { Page } from "../../console/build.ts";
import { type Console, startConsole } from "../../console/server.ts";
import { addSecret, emptyWorld, policyOf } from "./world.ts";

const page: Page = { html: "<title>page</title>", script: "script", style: "style" };
let console: Console;

beforeEach(async () => {
  const world = emptyWorld();
  await addSecret(world, policyOf("billing-key"), 1_000);
  console = await startConsole({ sources: world.sources, page: async () => page });
});
afterEach(() => console.close());

type Headers = Readonly<Record<string, string>>;

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** With exactly these headers; of a stream only the beginning is read. */
function ask(
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Headers; body?: string } = {},
) {
  return new Promise<Answer>((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port: console.port, method, path, headers }, (response) => {
      let text = "";
      const isStream = response.headers["content-type"]?.startsWith("text/event-stream") === true;
      const done = () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
      response.on("data", (chunk) => {
        text += chunk;
        if (isStream && text.includes("\n\n")) response.destroy();
      });
      response.on("close", done);
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

const host = () => `127.0.0.1:${console.port}`;
const token = () => console.address.split("#token=")[1] ?? "";
const fromPage = (): Headers => ({ "sec-fetch-site": "same-origin", origin: `http://${host()}` });

function exchange(brought: string, headers: Headers = fromPage()) {
  const type = { "content-type": "application/json" };
  return ask("POST", "/session", {
    headers: { ...type, ...headers },
    body: JSON.stringify({ token: brought }),
  });
}

async function signedIn(): Promise<string> {
  const { headers } = await exchange(token());
  return String(headers["set-cookie"]).split(";")[0] ?? "";
}

test("the token stands in the fragment of a loopback address, and is long", () => {
  expect(console.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{43}$/);
});

test("the token buys one cookie that no script can read and no other site can send, and then nothing", async () => {
  const first = await exchange(token());
  const second = await exchange(token());

  expect(first.status).toBe(204);
  expect(String(first.headers["set-cookie"])).toMatch(
    /^rekey-console-\d+=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  expect([second.status, second.headers["set-cookie"]]).toEqual([403, undefined]);
});

test.each(["", "x", "0".repeat(43)])("the token %j buys nothing, and spends nothing", async (brought) => {
  expect((await exchange(brought)).status).toBe(403);
  expect((await exchange(token())).status).toBe(204);
});

test("a body that is too long, of another type or no JSON buys nothing", async () => {
  const json = { ...fromPage(), "content-type": "application/json" };
  const long = JSON.stringify({ token: token(), more: "x".repeat(2_000) });
  const form = { ...fromPage(), "content-type": "text/plain" };
  const right = JSON.stringify({ token: token() });

  expect((await ask("POST", "/session", { headers: json, body: long })).status).toBe(403);
  expect((await ask("POST", "/session", { headers: json, body: "{" })).status).toBe(403);
  expect((await ask("POST", "/session", { headers: json, body: "null" })).status).toBe(403);
  expect((await ask("POST", "/session", { headers: form, body: right })).status).toBe(403);
});

test("the page has the data with its cookie, and without it not", async () => {
  const cookie = await signedIn();
  const withCookie = await ask("GET", "/live", { headers: { ...fromPage(), cookie } });
  const without = await ask("GET", "/live", { headers: fromPage() });
  const wrong = await ask("GET", "/live", { headers: { ...fromPage(), cookie: `${cookie}x` } });
  const twice = await ask("GET", "/live", { headers: { ...fromPage(), cookie: `${cookie}; ${cookie}` } });

  expect(withCookie.status).toBe(200);
  expect(withCookie.text).toContain("billing-key");
  for (const refused of [without, wrong, twice]) {
    expect([refused.status, refused.text]).toEqual([403, "there is no session\n"]);
  }
});

/** A cookie is sent to every port of 127.0.0.1, so each of these comes with the right one. */
test.each<[string, Headers]>([
  ["a name that leads to 127.0.0.1", { host: "attacker.example" }],
  ["localhost", { host: "localhost:1" }],
  ["the host without its port", { host: "127.0.0.1" }],
  ["a page on another port", { origin: "http://127.0.0.1:1" }],
  ["a page on another site", { origin: "https://attacker.example" }],
  ["a page without an origin", { origin: "null" }],
  ["a request of another site", { "sec-fetch-site": "cross-site" }],
  ["a request of another port", { "sec-fetch-site": "same-site" }],
  ["an address that was typed", { "sec-fetch-site": "none" }],
  ["a program that says nothing about it", { "sec-fetch-site": "" }],
])("%s gets no data and no cookie", async (_who, changed) => {
  const bought = await exchange(token(), { ...fromPage(), ...changed });
  const cookie = await signedIn();
  const read = await ask("GET", "/live", { headers: { ...fromPage(), cookie, ...changed } });

  expect([bought.status, bought.headers["set-cookie"]]).toEqual([403, undefined]);
  expect([read.status, read.text.includes("billing-key")]).toEqual([403, false]);
});

test("an exchange that does not say its origin is refused", async () => {
  expect((await exchange(token(), { "sec-fetch-site": "same-origin" })).status).toBe(403);
});

test("another site can neither frame nor link to the page", async () => {
  const linked = await ask("GET", "/", { headers: { "sec-fetch-site": "cross-site" } });
  const typed = await ask("GET", "/", { headers: { "sec-fetch-site": "none" } });

  expect(linked.status).toBe(403);
  expect([typed.status, typed.text]).toEqual([200, page.html]);
});

test("every answer, a refusal too, forbids what the page does not need", async () => {
  const cookie = await signedIn();
  const answers = [
    await ask("GET", "/"),
    await ask("GET", "/console.js"),
    await ask("GET", "/nowhere"),
    await ask("GET", "/live"),
    await ask("GET", "/live", { headers: { ...fromPage(), cookie } }),
  ];

  for (const { headers } of answers) {
    const policy = String(headers["content-security-policy"]).split("; ");
    expect(policy).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'",
    ]);
    expect(headers).toMatchObject({
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cross-origin-resource-policy": "same-origin",
      "cross-origin-opener-policy": "same-origin",
      "cache-control": "no-store",
    });
    expect(headers["access-control-allow-origin"]).toBeUndefined();
  }
});

test("it serves its own five addresses, each with one method, and no file of this machine", async () => {
  const cookie = await signedIn();
  const headers = { ...fromPage(), cookie };
  const statusOf = async (method: string, path: string) => (await ask(method, path, { headers })).status;

  expect(await statusOf("GET", "/../package.json")).toBe(404);
  expect(await statusOf("GET", "/constructor")).toBe(404);
  expect(await statusOf("GET", `/${"x".repeat(5_000)}`)).toBe(404);
  expect(await statusOf("PUT", "/live")).toBe(405);
  expect(await statusOf("POST", "/")).toBe(405);
  expect(await statusOf("GET", "/session")).toBe(405);
});

test("it listens on loopback alone", async () => {
  const { networkInterfaces } = await import("node:os");
  const outside = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal);
  if (outside === undefined) return;
  await expect(fetch(`http://${outside.address}:${console.port}/`)).rejects.toThrow("fetch failed");
});
