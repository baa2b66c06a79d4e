import { turnMs } from "../../core/adoption/restart-turns.ts";
import { permitRestart } from "../../functions/evidence/permit-restart.ts";
import { open } from "../machine/rotation/story.ts";

const session = (role: string, name = "host-1") => `arn:aws:sts::111122223333:assumed-role/${role}/${name}`;

async function company(more: Readonly<Record<string, unknown>> = {}) {
  const story = await open();
  const { world, secretArn } = story;
  const policy = await world.ledger.policy(secretArn);
  if (policy === undefined || policy.consumers === "none") throw new TypeError("the story has consumers");
  const [first] = policy.consumers;
  if (first === undefined) throw new TypeError("the story has a consumer");
  await world.ledger.putPolicy({ ...policy, consumers: [{ ...first, ...more }] });
  const deps = world.depsOutside("permit-restart");
  let atMs = world.time.nowMs();
  const call = async (request: object, { by = session("billing"), isBase64Encoded = false } = {}) => {
    const text = JSON.stringify({
      ...{ schema: 1, action: "ask", secretArn, consumer: first.name, instance: "host-1/a", versionId: "v2" },
      ...request,
    });
    const body = isBase64Encoded ? Buffer.from(text).toString("base64") : text;
    const requestContext = { timeEpoch: atMs, authorizer: { iam: { userArn: by } } };
    const reply = await permitRestart({ body, isBase64Encoded, requestContext }, deps);
    const said = JSON.parse(reply.body) as { outcome: string; reason?: string };
    return { status: reply.statusCode, ...said };
  };
  const pass = (ms: number) => {
    atMs += ms;
  };
  return { call, pass, deps, close: () => story.close() };
}

let opened: Awaited<ReturnType<typeof company>> | undefined;
const given = async (more?: Readonly<Record<string, unknown>>) => {
  opened = await company(more);
  return opened;
};
afterEach(() => opened?.close());

test("one instance of a consumer restarts at a time, and the next when it was ready", async () => {
  const { call } = await given();
  expect(await call({})).toEqual({ status: 200, outcome: "granted" });
  expect(await call({ instance: "host-2/b" }, { isBase64Encoded: true })).toEqual({
    ...{ status: 200, outcome: "wait", retryMs: 5_000, reason: "host-1/a restarts first" },
  });
  await call({ action: "done" }, { by: session("billing", "another-session") });
  expect(await call({ instance: "host-2/b" })).toMatchObject({ outcome: "granted" });
});

test("of many that ask in the same moment so many are granted as the policy says", async () => {
  const { call } = await given({ restartsAtOnce: 2 });
  const answers = await Promise.all(["a", "b", "c", "d"].map((instance) => call({ instance })));
  expect(answers.map(({ outcome }) => outcome).sort()).toEqual(["granted", "granted", "wait", "wait"]);
});

test("a permit ends by itself, by AWS's clock and not by the caller's", async () => {
  const { call, pass } = await given();
  await call({});
  pass(turnMs - 1);
  expect(await call({ instance: "b" })).toMatchObject({ outcome: "wait" });
  pass(1);
  expect(await call({ instance: "b" })).toMatchObject({ outcome: "granted" });
});

describe("a permit is refused", () => {
  test("to a consumer and for a secret that no policy names", async () => {
    const { call } = await given();
    expect(await call({ consumer: "nobody" })).toMatchObject({
      ...{ outcome: "refused", reason: "no policy names nobody as a consumer of this secret" },
    });
    const other = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:other-AbCdEf";
    expect(await call({ secretArn: other })).toMatchObject({ outcome: "refused" });
  });

  test("to a role that is none of the consumer's, where the policy names them", async () => {
    const { call } = await given({ roles: ["arn:aws:iam::111122223333:role/shop/billing"] });
    expect(await call({}, { by: session("search") })).toMatchObject({
      ...{ outcome: "refused", reason: expect.stringMatching(/^this role is none of /) },
    });
    expect(await call({}, { by: session("billing") })).toMatchObject({ outcome: "granted" });
  });
});

test("what is no request, or was not signed, is answered as such and writes nothing", async () => {
  const { call, deps } = await given();
  expect(await call({ instance: "x\nlog line" })).toMatchObject({ status: 400, outcome: "refused" });
  expect(await call({ action: "take" })).toMatchObject({ status: 400 });
  expect((await permitRestart({ body: "{}", requestContext: { timeEpoch: 1 } }, deps)).statusCode).toBe(403);
  const signed = { timeEpoch: 1, authorizer: { iam: { userArn: session("billing") } } };
  expect((await permitRestart({ body: "{", requestContext: signed }, deps)).statusCode).toBe(400);
});
