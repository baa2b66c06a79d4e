import { parse } from "yaml";
import { answerAdmin } from "../../functions/admin/answer.ts";
import { type AdminWorld, ANNA, adminWorld, arnOf, envelopeOf, fileWith, NOON_MS } from "./admin-world.ts";

async function appliedWorld(): Promise<{ world: AdminWorld }> {
  const world = adminWorld();
  world.secret("billing-key");
  const { answer } = await world.send({
    command: "apply",
    files: [{ path: "rekey.yml", data: parse(fileWith({ secrets: { "billing-key": "" } })) }],
  });
  expect(answer.outcome).toBe("applied");
  return { world };
}

describe("a forged caller", () => {
  const EVE = "arn:aws:sts::111122223333:assumed-role/developer/eve";
  const order = (nonce: number) =>
    JSON.stringify({ command: "hold", secret: "billing-key", reason: "x", nonce });
  const as = (userArn: string, rest = {}) => ({
    timeEpoch: NOON_MS,
    authorizer: { iam: { userArn } },
    ...rest,
  });

  test.each([
    [
      "no proof",
      { body: order(1) },
      "this rekey is older than its deployment and does not prove who gives the order: upgrade it",
    ],
    ["nothing that is an order", { body: "{}" }, "does not prove who gives it"],
    ["a proof of her own", { body: envelopeOf(order(2), { principal: EVE }) }, "signed by somebody else"],
    ["an old proof", { body: envelopeOf(order(3), { atMs: NOON_MS - 301_000 }) }, "more than 5 minutes ago"],
    [
      "another time than the clock's",
      { body: envelopeOf(order(4)), context: { timeEpoch: NOON_MS - 301_000 } },
      "more than 5 minutes ago",
    ],
  ])("who writes Anna into the event with %s is refused", async (_, given, detail) => {
    const { world } = await appliedWorld();
    const { body, context }: { body: string; context?: object } = given;
    const requestContext = { requestId: "r", ...as(ANNA, context) };
    const reply = await answerAdmin({ body, requestContext }, world.deps);
    expect(reply.statusCode).toBe(403);
    expect(JSON.parse(reply.body)).toMatchObject({
      reason: "NotAuthenticated",
      detail: expect.stringContaining(detail),
    });
    expect((await world.ledger.secret(arnOf("billing-key"))).hold).toBeUndefined();
  });

  test("an order counts once: the same one again is refused, whatever the event calls it", async () => {
    const { world } = await appliedWorld();
    let claims = 0;
    const deps = { ...world.deps, newId: () => `claim-${++claims}` };
    const give = (requestId: string) =>
      answerAdmin({ body: envelopeOf(order(5)), requestContext: { requestId, ...as(ANNA) } }, deps);
    expect((await give("r-1")).statusCode).toBe(200);
    const again = await give("r-2");
    expect(again.statusCode).toBe(403);
    expect(again.body).toContain("given before");
  });
});
