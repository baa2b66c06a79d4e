import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { InvokeCommand, LambdaClient } from "@aws-sdk/client-lambda";
import { PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { dynamoTable } from "../../ledger/dynamodb.ts";
import type { Principal } from "../../local/people.ts";
import { troubleIn } from "../../local/summary.ts";
import { clientAs, type LocalCloud, type LocalCloudOptions, startLocalCloud } from "../../local/world.ts";
import type { Template } from "../../serverless/template.ts";

const run = promisify(execFile);
const cli = fileURLToPath(new URL("../../cli/rekey.ts", import.meta.url));

async function withCloud(options: LocalCloudOptions, body: (cloud: LocalCloud) => Promise<void>) {
  const cloud = await startLocalCloud(options);
  try {
    await body(cloud);
  } finally {
    await cloud.close();
  }
}

async function invoke(cloud: LocalCloud, given: { as: Principal; name: string; event?: unknown }) {
  const lambda = new LambdaClient(clientAs(cloud, given.as));
  const { Payload } = await lambda.send(
    new InvokeCommand({
      FunctionName: `rekey-production-${given.name}`,
      Payload: JSON.stringify(given.event ?? {}),
    }),
  );
  lambda.destroy();
  return JSON.parse(Buffer.from(Payload ?? []).toString());
}

/** What `rekey` prints as one of the people. */
async function rekey(cloud: LocalCloud, as: Principal, ...args: readonly string[]) {
  const env = { ...process.env, ...cloud.env(as), NO_COLOR: "1" };
  const given = ["--no-warnings", cli, "--json", ...args];
  const { stdout } = await run(process.execPath, given, { env }).catch((failed) => failed);
  return JSON.parse(stdout);
}

const forgedOperator = {
  body: JSON.stringify({ command: "stop", reason: "forged" }),
  requestContext: {
    requestId: "forged",
    timeEpoch: Date.now(),
    authorizer: { iam: { userArn: "arn:aws:sts::111122223333:assumed-role/operator/local" } },
  },
};

test("under its roles, the cloud takes orders from whoever signs them and from nobody else", async () => {
  await withCloud({}, async (cloud) => {
    const denied = { name: "AccessDeniedException" };
    const forge = (as: Principal) => invoke(cloud, { as, name: "admin", event: forgedOperator });
    await expect(forge("consumers")).rejects.toMatchObject(denied);
    await expect(forge("operator")).rejects.toMatchObject(denied);
    // Even whoever may do everything in the account speaks for nobody else.
    expect(JSON.parse((await forge("administrator")).body)).toMatchObject({
      ...{ outcome: "refused", reason: "NotAuthenticated" },
    });
    const stop = ["stop", "--all", "--reason", "drill"];
    expect(await rekey(cloud, "reader", ...stop)).toMatchObject({ type: "error" });
    expect(await rekey(cloud, "operator", ...stop)).not.toMatchObject({ type: "error" });
    const dynamo = new DynamoDBClient(clientAs(cloud, "reader"));
    const [order] = await dynamoTable(dynamo, cloud.outputs["TableName"] ?? "").query({
      kind: "STOP",
      id: "all",
    });
    dynamo.destroy();
    expect(JSON.stringify(order?.body)).toContain("assumed-role/operator/local");

    const bus = new EventBridgeClient(clientAs(cloud, "consumers"));
    const Entries = [
      {
        EventBusName: "rekey-alerts-production",
        Source: "rekey.intake",
        DetailType: "KeyCompromised",
        Detail: "{}",
      },
    ];
    await expect(bus.send(new PutEventsCommand({ Entries }))).rejects.toMatchObject(denied);
    bus.destroy();
    const secrets = new SecretsManagerClient(clientAs(cloud, "consumers"));
    const write = new PutSecretValueCommand({ SecretId: "rekey/intake/report", SecretString: "FAKE" });
    await expect(secrets.send(write)).rejects.toMatchObject(denied);
    secrets.destroy();
    expect(new Set(cloud.denials.map(({ who }) => who))).toEqual(
      new Set(["consumers", "operator", "reader"]),
    );
    expect(cloud.defects).toEqual([]);
  });
}, 300_000);

/** One fault of each class that the template can have, in functions that the test calls. */
function withFaults(template: Template): Template {
  const copy = structuredClone(template) as unknown as {
    Resources: Record<string, { Properties: Record<string, never> }>;
  };
  const properties = (id: string) => {
    const found = copy.Resources[id];
    if (found === undefined) throw new Error(`no ${id}`);
    return found.Properties as Record<string, unknown>;
  };
  const [policy] = properties("AnchorDashauditRole")["Policies"] as [
    { PolicyDocument: { Statement: { Sid: string; Action: string[] }[] } },
  ];
  for (const statement of policy.PolicyDocument.Statement)
    if (statement.Sid === "ReadLedger") statement.Action = ["dynamodb:GetItem"];
  const { Variables } = properties("CheckDashclockLambdaFunction")["Environment"] as {
    Variables: Record<string, unknown>;
  };
  Variables["REKEY_LEDGER"] = Variables["REKEY_TABLE"];
  delete Variables["REKEY_TABLE"];
  properties("RecordDashevidenceRule")["EventPattern"] = { source: ["rekey.consumers"] };
  return copy as unknown as Template;
}

test("a missing permission, a renamed variable and a broken pattern are each named", async () => {
  await withCloud({ alter: withFaults }, async (cloud) => {
    await invoke(cloud, { as: "administrator", name: "anchor-audit" });
    const clock = await invoke(cloud, {
      as: "administrator",
      name: "check-clock",
      event: { incidentId: "i-1" },
    });
    const bus = new EventBridgeClient(clientAs(cloud, "administrator"));
    const Entries = [
      {
        EventBusName: "rekey-reports-production",
        Source: "rekey.consumer",
        DetailType: "ConsumerReport",
        Detail: "{}",
      },
    ];
    await bus.send(new PutEventsCommand({ Entries }));
    bus.destroy();

    expect(clock).toMatchObject({ errorMessage: expect.stringContaining("REKEY_TABLE is not set") });
    expect(troubleIn(cloud)).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^rekey-production-eu-west-1-anchor-audit may not dynamodb:Query on /),
        "no rule of rekey-reports-production takes ConsumerReport from rekey.consumer",
      ]),
    );
  });
}, 300_000);
