import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createPermits, type PermitAnswer, type PermitRequest } from "../../sdk/exec/permit.ts";
import { until } from "./host-world.ts";

const version = { arn: "arn:aws:secretsmanager:x", versionId: "v2", fingerprint: "sha256:0" };

let asked: (PermitRequest & { authorization: string | undefined })[];
let answers: (PermitAnswer | "broken" | "forbidden")[];
let said: string[];
const server = createServer(async (request, response) => {
  let text = "";
  for await (const chunk of request) text += String(chunk);
  const { authorization } = request.headers;
  asked.push({ ...(JSON.parse(text) as PermitRequest), authorization });
  const answer = answers.shift() ?? { outcome: "granted" };
  const status = { broken: 500, forbidden: 403 };
  if (typeof answer === "string") response.writeHead(status[answer]).end('{"Message":"as AWS says it"}');
  else response.writeHead(200).end(JSON.stringify(answer));
});

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});

afterAll(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

beforeEach(() => {
  asked = [];
  answers = [];
  said = [];
});

const permits = (
  more: { url?: string | undefined; maxMs?: number; withoutPermit?: "stay" | "restart" } = {},
) =>
  createPermits({
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    env: { AWS_ACCESS_KEY_ID: "AKIDFAKE", AWS_SECRET_ACCESS_KEY: "FAKE-secret", AWS_REGION: "eu-central-1" },
    fetch: globalThis.fetch,
    consumer: "billing",
    instance: "host/1",
    maxMs: 10_000,
    withoutPermit: "stay",
    spreadMs: 10,
    random: () => 0,
    log: (text) => said.push(text),
    ...more,
  });

const never = new AbortController().signal;

test("a restart waits until it is permitted, and says who asks for what with a signature", async () => {
  answers = [{ outcome: "wait", retryMs: 1, reason: "host/2 restarts" }, { outcome: "granted" }];
  const permit = permits();

  await permit.ask(version, never);
  await permit.giveBack(version, "done");

  expect(asked.map(({ action }) => action)).toEqual(["ask", "ask", "done"]);
  expect(asked[0]).toMatchObject({
    schema: 1,
    secretArn: version.arn,
    consumer: "billing",
    instance: "host/1",
    versionId: "v2",
    authorization: expect.stringMatching(
      /^AWS4-HMAC-SHA256 Credential=AKIDFAKE\/\d{8}\/eu-central-1\/lambda\//,
    ),
  });
  expect(said).toEqual(["waits for a permit: host/2 restarts"]);
});

test("without an address a random wait spreads the restarts", async () => {
  await permits({ url: undefined }).ask(version, never);

  expect(asked).toEqual([]);
  expect(said).toEqual(["restarts in 0 s, without a permit"]);
});

describe("no permit in time", () => {
  const waits = () =>
    Array.from({ length: 20 }, () => ({ outcome: "wait", retryMs: 1, reason: "host/2" }) as const);

  test("is said, and the command keeps its key: all instances could be down at once", async () => {
    answers = waits();
    const over = new AbortController();
    let isOver = false;
    const asking = permits({ maxMs: 1_500 }).ask(version, over.signal);
    const settled = asking.finally(() => {
      isOver = true;
    });
    settled.catch(() => undefined);
    await until("the word about it", () => said.length >= 3);

    expect(said).toEqual([
      "waits for a permit: host/2",
      "had no permit within 2 s: host/2",
      "the command keeps its key, so the retiring key stays alive; asks on once a minute",
    ]);
    // At most one question a pause, whatever the answer says; a loop would ask thousands of times.
    expect([isOver, asked.length < 12]).toEqual([false, true]);
    over.abort();
    await expect(asking).rejects.toMatchObject({ name: "AbortError" });
  });

  test("ends in the random wait where it was said that it may", async () => {
    answers = waits();
    await permits({ maxMs: 1_500, withoutPermit: "restart" }).ask(version, never);
    expect(said.slice(-2)).toEqual(["had no permit within 2 s: host/2", "restarts in 0 s, without a permit"]);
  });
});

test("a role that AWS lets not ask is told so", async () => {
  answers = ["forbidden", { outcome: "granted" }];
  await permits().ask(version, never);
  expect(said).toEqual(["waits for a permit: AWS does not allow this role to ask it (403)"]);
});

test("an answer that is none counts as silence, and is never a permit", async () => {
  answers = ["broken", { outcome: "granted" }];

  await permits().ask(version, never);

  expect(asked).toHaveLength(2);
  expect(said).toEqual(["waits for a permit: the permit function does not answer"]);
});

test("whoever ends the program ends the wait for a permit", async () => {
  answers = Array.from({ length: 20 }, () => ({ outcome: "wait", retryMs: 60_000 }) as const);
  const over = new AbortController();
  const waiting = permits().ask(version, over.signal);
  setTimeout(() => over.abort(), 50);

  await expect(waiting).rejects.toMatchObject({ name: "AbortError" });
});
