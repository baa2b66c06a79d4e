import type { Context } from "aws-lambda";
import * as z from "zod";
import type { Deps, With } from "../../functions/deps.ts";
import { onLambda, step } from "../../functions/step.ts";
import { warmUp } from "../../functions/warm-up.ts";
import { wiring } from "../../functions/wiring/base.ts";
import { escalator } from "../../functions/wiring/parts/escalator.ts";
import { sources } from "../../functions/wiring/parts/sources.ts";

const asksSources = step({
  name: "asks-sources",
  input: z.object({}),
  run: async (_input, deps: With<"sources">) => ({ outcome: deps.sources.map(({ kind }) => kind).join(" ") }),
});

const needsNothing = step({
  name: "needs-nothing",
  input: z.object({}),
  run: async (_input, deps: Deps) => ({ outcome: Object.keys(deps).includes("sources") }),
});

const deployment = {
  ...{ AWS_REGION: "eu-central-1", REKEY_TABLE: "rekey", REKEY_BUS: "rekey", REKEY_ENVIRONMENT: "test" },
  REKEY_ROTATION_MACHINE_ARN: "arn:aws:states:eu-central-1:111122223333:stateMachine:rotation",
};

const context = {} as Context;
const before = { ...process.env };

beforeAll(() => void Object.assign(process.env, deployment));
afterAll(() => {
  process.env = before;
});

test("a step has the parts that it declares, and no others", async () => {
  const asking = onLambda(asksSources, wiring({ sources }));
  expect(await asking({}, context)).toEqual({ outcome: "ecs lambda kubernetes" });

  const other = onLambda(needsNothing, wiring());
  expect(await other({}, context)).toEqual({ outcome: false });
});

test("a step without a part that it declares does not compile", async () => {
  // @ts-expect-error: nothing gives it sources
  const unwired = onLambda(asksSources, wiring());
  await expect(unwired({}, context)).rejects.toThrow("unexpected TypeError");

  // @ts-expect-error: channels to people are not sources
  const miswired = onLambda(asksSources, wiring({ escalator }));
  await expect(miswired({}, context)).rejects.toThrow("unexpected TypeError");
});

describe("the event that warms a function up", () => {
  function counted() {
    const done: string[] = [];
    const made = step({
      name: "counts",
      input: z.object({ incidentId: z.string() }),
      run: async () => void done.push("ran"),
    });
    const deps = wiring();
    const handler = onLambda(made, () => {
      done.push("made its clients");
      return { ...deps(), log: (line) => void done.push(String(line["outcome"])) };
    });
    return { handler, done };
  }

  test("makes the clients, and neither runs the step nor logs", async () => {
    const { handler, done } = counted();
    expect(await handler({ ...warmUp }, context)).toEqual({ outcome: "warm" });
    expect(done).toEqual(["made its clients"]);
  });

  test.each([
    { ...warmUp, incidentId: "i-1" },
    { ...warmUp, detail: {} },
    { rekey: "warm" },
    { rekey: [warmUp.rekey] },
    JSON.stringify(warmUp),
    [warmUp],
    Object.create(warmUp),
    null,
    {},
  ])("is exactly one constant: %j is an event like any other", async (event) => {
    const { handler, done } = counted();
    await handler(event, context).catch(() => undefined);
    expect(done.at(-1)).toMatch(/^(done|failed)$/);
  });
});
