import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { auditLog, deploymentChain } from "../../audit/chain.ts";
import { intakeChains } from "../../audit/intake-log.ts";
import { nodeDigest } from "../../functions/wiring/base.ts";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import { troubleIn } from "../../local/summary.ts";
import { clientAs, type LocalCloud, startLocalCloud } from "../../local/world.ts";

const run = promisify(execFile);
const cli = fileURLToPath(new URL("../../cli/rekey.ts", import.meta.url));

let cloud: LocalCloud;

beforeAll(async () => {
  cloud = await startLocalCloud({ deployment: { intakeSecrets: {} } });
}, 120_000);

afterAll(() => cloud.close());

async function invoke(FunctionName: string) {
  const lambda = new LambdaClient(clientAs(cloud, "administrator"));
  const { Payload } = await lambda.send(
    new InvokeCommand({ FunctionName: `rekey-production-${FunctionName}`, Payload: "{}" }),
  );
  lambda.destroy();
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

/** What an operator sees, and the exit code. */
async function verify() {
  const env = { ...process.env, ...cloud.env("auditor"), NO_COLOR: "1" };
  const args = ["--no-warnings", cli, "--json", "audit", "verify"];
  const { stdout } = await run(process.execPath, args, { env }).catch((failed) => failed);
  return JSON.parse(stdout);
}

test("anchor-audit signs what the ledger holds, and the command line holds the ledger against it", async () => {
  const dynamo = new DynamoDBClient(clientAs(cloud, "administrator"));
  try {
    const table = dynamoTable(dynamo, cloud.outputs["TableName"] ?? "");
    const log = auditLog({ table, digest: nodeDigest, now: Date.now });
    for (const id of ["a", "b"]) await log.append(deploymentChain, { id, actor: "anna", action: "Stopped" });

    expect(await invoke("anchor-audit")).toEqual({
      ...{ outcome: "anchored", chains: 1 + intakeChains.length, anchored: 1, broken: 0, failed: 0 },
    });
    await log.append(deploymentChain, { id: "c", actor: "anna", action: "Resumed" });
    expect(await verify()).toMatchObject({
      verified: true,
      chains: expect.arrayContaining([
        expect.objectContaining({
          name: "(deployment)",
          entries: 3,
          checkpoint: expect.objectContaining({ seq: 2 }),
        }),
      ]),
    });

    for (const seq of ["2", "3"])
      await table.remove({ kind: "AUDIT", id: deploymentChain, sort: seq.padStart(12, "0") });
    expect(await verify()).toMatchObject({
      verified: false,
      chains: expect.arrayContaining([expect.objectContaining({ verified: false, brokenAt: 2 })]),
    });
    expect(await invoke("anchor-audit")).toMatchObject({ outcome: "broken", broken: 1 });
  } finally {
    dynamo.destroy();
  }
}, 120_000);

test("synthetic-leak is no failure where the deployment takes no reports", async () => {
  expect(await invoke("synthetic-leak")).toEqual({
    ...{ outcome: "notSetUp", reason: "intakeSecrets names no secret for reports" },
  });
});

test("push-audit says that there is no collector where the deployment names none", async () => {
  expect(await invoke("push-audit")).toEqual({ outcome: "notConfigured", pushed: 0 });
});

test("nothing that these functions did was refused by their roles", () => {
  expect(troubleIn(cloud)).toEqual([]);
});
