import type { RunCount } from "../../aws/run-costs.ts";
import { countIn } from "../../cli/run-count.ts";
import { readDeployment, settingsOf } from "../../serverless/deployment.ts";
import { NOON_MS } from "../contract/admin-world.ts";
import { rendered } from "../package/packaged.ts";
import { appliedWorld, rekey } from "./cli-world.ts";

const example = readDeployment({ stage: "production", region: "us-east-1", settings: settingsOf("example") });
const template = { Resources: rendered(example) };
const dayMs = 86_400_000;
const arnOf = (id: string) => `arn:aws:states:eu-west-1:111122223333:execution:rotation:${id}`;

/** Runs of the secret that opened so many days ago, by id. */
async function ran(daysAgo: Readonly<Record<string, number>>) {
  const { world } = await appliedWorld();
  const [policy] = await world.ledger.policies();
  if (policy === undefined) throw new Error("nothing was applied");
  const { secretArn } = policy;
  for (const [rotationId, days] of Object.entries(daysAgo)) {
    await world.ledger.changeRotation({ secretArn, rotationId }, () => ({
      ...{ rotationId, secretArn, executionArn: arnOf(rotationId), fence: 1, trigger: "schedule", policy },
      ...{ openedAtMs: NOON_MS - days * dayMs, outcome: "rotated" },
      opened: { outcome: "opened", next: "MintKey", fence: 1 },
    }));
  }
  return world;
}

interface Said {
  readonly secrets: readonly Readonly<Record<string, number>>[];
  readonly dollarsMonth: Readonly<Record<string, number>>;
}

const did: RunCount = { steps: 40, calls: 20, functionSeconds: 30 };
const histories = new Map([[arnOf("r-1"), did]]);

test("a rotation costs what its own history counts; one whose history is gone counts as much as the others", async () => {
  const world = await ran({ "r-1": 3, "r-2": 10, old: 45 });
  const said = (await rekey(world, "cost --json", { template, histories })).json() as unknown as Said;
  // 40 transitions at $0.025 a thousand, 20 requests at $0.20 a million, 15 GB-seconds.
  const each = 0.001 + 0.000_004 + 15 * 0.000_013_333_4;
  expect(said.secrets[0]).toMatchObject({ runs: 2, estimated: 1, steps: 40 });
  expect(said.secrets[0]?.["dollarsEach"]).toBeCloseTo(each, 9);
  expect(said.secrets[0]?.["dollarsMonth"]).toBeCloseTo((each * 2 * (730 / 24)) / 30, 9);
  expect(said.dollarsMonth["deployment"]).toBeGreaterThan(1);
});

test("in more days there are more runs, and without a run a secret costs no rotation", async () => {
  const world = await ran({ "r-1": 3, old: 45 });
  const runs = async (line: string) =>
    ((await rekey(world, line, { template, histories })).json() as unknown as Said).secrets[0];
  expect(await runs("cost --days 90 --json")).toMatchObject({ runs: 2 });
  expect(await runs("cost --days 1 --json")).toMatchObject({
    runs: 0,
    dollarsEach: 0,
    dollarsMonth: 0,
    steps: 0,
  });
});

test.each([80, 60])("the tables fit %i columns, and say what is not counted", async (width) => {
  const world = await ran({ "r-1": 3, "r-2": 4 });
  const { out, code } = await rekey(world, "cost billing-key", { template, histories, width });
  expect(code).toBe(0);
  expect(out.split("\n").filter((line) => line.length > width)).toEqual([]);
  expect(out.replaceAll(/\s+/g, " ")).toContain(
    "2 runs counted, 1 of them by the mean of the others: their history is gone",
  );
  expect(out).toContain("not counted:");
});

test("CSV has a row for each secret; wrong days are a usage error", async () => {
  const world = await ran({ "r-1": 3 });
  const { out } = await rekey(world, "cost --format csv", { template, histories });
  expect(out.split("\n")).toEqual([
    "SECRET,RUNS,STEPS,FUNCTIONS,EACH,A MONTH",
    "billing-key,1,40,30.0 s,$0.0012,$0.0012",
  ]);
  expect(await rekey(world, "cost --days 91", { template })).toMatchObject({ code: 2 });
});

test("a history's states are its steps, and a function's time ends when a wait begins", () => {
  const at = (seconds: number) => new Date(1_000 * seconds);
  expect(
    countIn([
      { id: 1, type: "ExecutionStarted", timestamp: at(0) },
      { id: 2, type: "TaskStateEntered", timestamp: at(0), previousEventId: 1 },
      { id: 3, type: "LambdaFunctionStarted", timestamp: at(1), previousEventId: 2 },
      { id: 4, type: "LambdaFunctionSucceeded", timestamp: at(3), previousEventId: 3 },
      { id: 5, type: "WaitStateEntered", timestamp: at(3), previousEventId: 4 },
      { id: 6, type: "TaskStarted", timestamp: at(60), previousEventId: 5 },
      { id: 7, type: "TaskSubmitted", timestamp: at(61), previousEventId: 6 },
      { id: 8, type: "TaskSucceeded", timestamp: at(900), previousEventId: 7 },
      { id: 9, type: "TaskStarted", timestamp: at(901), previousEventId: 8 },
    ]),
  ).toEqual({ steps: 2, calls: 3, functionSeconds: 3 });
});
