import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { CreateScheduleGroupCommand, SchedulerClient } from "@aws-sdk/client-scheduler";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import dynalite from "dynalite";
import type { LogLine } from "../functions/deps.ts";
import { createTable } from "../ledger/dynamodb.ts";
import { cloudTrail } from "./aws/cloudtrail.ts";
import type { CloudTrailRecord } from "./aws/cloudtrail-record.ts";
import { eventBridge } from "./aws/event-bridge.ts";
import { integrations } from "./aws/integrations.ts";
import { kms } from "./aws/kms.ts";
import { type LambdaFunction, lambda } from "./aws/lambda.ts";
import { s3 } from "./aws/s3.ts";
import { scheduler } from "./aws/scheduler.ts";
import { secretsManager } from "./aws/secrets-manager.ts";
import { startCloud } from "./aws/server.ts";
import { type SnsMessage, sns } from "./aws/sns.ts";
import { stepFunctions } from "./aws/step-functions.ts";
import { startFunctions } from "./functions.ts";

export const region = "eu-west-1";
export const account = "111122223333";
export const environment = "production";

/** Who a process is in the local cloud; the secret access key is not looked at. */
const principals = {
  functions: { accessKeyId: "AKIAFAKEFUNCTIONS000", role: "rekey-functions" },
  consumers: { accessKeyId: "AKIAFAKECONSUMERS000", role: "consumers" },
  operator: { accessKeyId: "AKIAFAKEOPERATOR0000", role: "operator" },
} as const;
export type Principal = keyof typeof principals;

export interface LocalCloud {
  readonly url: string;
  /** What a process needs in its environment to reach this cloud as one of its principals. */
  env(principal: Principal): Record<string, string>;
  /** Secrets Manager and KMS calls, as CloudTrail has them. */
  readonly trail: readonly CloudTrailRecord[];
  /** What was published to the on-call topic. */
  readonly pages: readonly SnsMessage[];
  requests(): Record<string, Record<string, number>>;
  close(): Promise<void>;
}

export interface LocalCloudOptions {
  onLog?(line: LogLine): void;
  /** Where reports and checkpoints are kept; without it, in memory. */
  readonly folder?: string;
  /** Added to the environment of the functions. */
  readonly env?: Readonly<Record<string, string>>;
}

const auditBucket = "rekey-audit";
const pageTopic = "rekey-on-call";
const alertBus = "rekey-alerts";
const reportBus = `rekey-reports-${environment}`;
const machineFolder = new URL("../statemachines/", import.meta.url);
const machineEnding = ".asl.json";
/** As deployed: shorter than the 60 s that a Task waits. */
const functionTimeoutMs = 30_000;

/** All of AWS that Rekey uses, on one loopback port, with the project's functions and machines deployed. */
export async function startLocalCloud(options: LocalCloudOptions = {}): Promise<LocalCloud> {
  const trail: CloudTrailRecord[] = [];
  const pages: SnsMessage[] = [];
  const functions: Record<string, LambdaFunction> = {};
  const { services, close } = hostServices({ trail, pages, functions, options });
  const table = dynalite({ createTableMs: 0 });
  const cloud = await startCloud({ services, fallback: table, account, callers: callers() });
  const env = (principal: Principal) => environmentOf(cloud.url, principal);
  const intakeSecrets = await deploy(env("operator"));
  const started = await startFunctions({
    env: {
      ...env("functions"),
      REKEY_LOOPBACK_PROVIDERS: "allow",
      REKEY_INTAKE_SECRETS: JSON.stringify(intakeSecrets),
      ...options.env,
    },
    onLog: (line) => options.onLog?.(line),
  });
  Object.assign(functions, started.functions);
  return {
    url: cloud.url,
    env,
    trail,
    pages,
    requests: cloud.requests,
    close: async () => {
      close();
      await started.close();
      await cloud.close();
    },
  };
}

/** What an AWS SDK client in this process takes to reach the cloud as the operator. */
export function operatorClient(cloud: Pick<LocalCloud, "url">) {
  const { accessKeyId } = principals.operator;
  return { region, endpoint: cloud.url, credentials: { accessKeyId, secretAccessKey: "FAKE" } };
}

interface Hosting {
  readonly trail: CloudTrailRecord[];
  readonly pages: SnsMessage[];
  readonly functions: Readonly<Record<string, LambdaFunction>>;
  readonly options: LocalCloudOptions;
}

function hostServices({ trail, pages, functions, options }: Hosting) {
  const place = { region, account };
  const timeoutMs = new Proxy<Record<string, number>>({}, { get: () => functionTimeoutMs });
  const urls = { admin: { auth: "AWS_IAM" as const }, intake: { auth: "NONE" as const } };
  const code = lambda({ ...place, functions, timeoutMs, urls });
  const bus = eventBridge({
    ...place,
    reach: { lambda: () => code, stepFunctions: () => states },
    buses: ["rekey", alertBus, reportBus],
  });
  const recorded = cloudTrail({});
  const secrets = secretsManager({
    ...place,
    onCall: (record) => {
      trail.push(record);
      recorded.record(record);
    },
  });
  const topic = sns({ ...place, onPublish: (message) => void pages.push(message) });
  const states = stepFunctions({
    ...place,
    machines: deployedMachines(),
    task: integrations({ lambda: () => code, eventBridge: () => bus, stepFunctions: () => states }),
    onStatusChange: (event) => bus.emit(event),
  });
  const schedules = scheduler({
    ...place,
    reach: {
      lambda: () => code,
      stepFunctions: () => states,
      forward: (busArn, event) => bus.forward(busArn, event),
    },
  });
  const bucket = s3({
    ...(options.folder && { root: options.folder }),
    buckets: [{ name: auditBucket, objectLock: true }],
  });
  const keys = kms({ ...place, signingAlias: "alias/rekey-audit" });
  const services = [code, bus, secrets, topic, states, schedules, recorded, bucket, keys];
  const close = () => {
    states.close();
    bus.close();
    schedules.close();
  };
  return { services, close };
}

/** A machine is a file; its name is the file's. */
function deployedMachines() {
  const found = readdirSync(machineFolder)
    .filter((file) => file.endsWith(machineEnding))
    .map((file) => {
      const name = file.slice(0, -machineEnding.length);
      const definition: unknown = JSON.parse(readFileSync(new URL(file, machineFolder), "utf8"));
      const machine = { definition, substitutions: substitutionsIn(definition), arn: machineArn(name) };
      return [`rekey-${name}`, machine] as const;
    });
  return Object.fromEntries(found);
}

const machineArn = (name: string) => `arn:aws:states:${region}:${account}:stateMachine:rekey-${name}`;

/** `${MintKeyArn}` is the function mint-key, as serverless.yml has it too. */
function substitutionsIn(definition: unknown): Record<string, string> {
  const names = [...JSON.stringify(definition).matchAll(/\$\{([A-Za-z]+)Arn\}/g)].map(
    ([, name = ""]) => name,
  );
  const arns = names.map((name) => {
    const file = name.replace(/[A-Z]/g, (letter, at) => `${at === 0 ? "" : "-"}${letter.toLowerCase()}`);
    return [`${name}Arn`, `arn:aws:lambda:${region}:${account}:function:${file}`] as const;
  });
  return { ...Object.fromEntries(arns), BusName: "rekey", Partition: "aws" };
}

function callers() {
  const known = Object.values(principals).map(
    ({ accessKeyId, role }) =>
      [accessKeyId, { account, arn: `arn:aws:sts::${account}:assumed-role/${role}/local` }] as const,
  );
  return Object.fromEntries(known);
}

function environmentOf(url: string, principal: Principal): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: url,
    AWS_REGION: region,
    AWS_ACCESS_KEY_ID: principals[principal].accessKeyId,
    AWS_SECRET_ACCESS_KEY: "FAKE",
    REKEY_TABLE: "rekey",
    REKEY_BUS: "rekey",
    REKEY_ALERT_BUS: alertBus,
    REKEY_ENVIRONMENT: environment,
    REKEY_ROTATION_MACHINE_ARN: machineArn("rotation"),
    REKEY_COMPROMISE_MACHINE_ARN: machineArn("compromise"),
    REKEY_SCHEDULE_GROUP: "rekey",
    REKEY_SCHEDULER_ROLE_ARN: `arn:aws:iam::${account}:role/rekey-scheduler`,
    REKEY_SCHEDULE_DLQ_ARN: `arn:aws:sqs:${region}:${account}:rekey-schedules`,
    REKEY_AUDIT_BUCKET: auditBucket,
    REKEY_AUDIT_KEY_ID: "alias/rekey-audit",
    REKEY_AUDIT_LOCK_MODE: "GOVERNANCE",
    REKEY_AUDIT_LOCK_DAYS: "1",
    REKEY_PAGE_TOPIC_ARN: `arn:aws:sns:${region}:${account}:${pageTopic}`,
    REKEY_SWEEP_FUNCTION: "sweep",
    REKEY_ADMIN_URL: `${url}/function-urls/admin`,
    REKEY_INTAKE_URL: `${url}/function-urls/intake`,
  };
}

/** What the package's template creates beside functions and machines. Gives the signing secrets of the intake. */
async function deploy(env: Record<string, string>): Promise<Record<string, string>> {
  const client = operatorClient({ url: env["AWS_ENDPOINT_URL"] ?? "" });
  await createTable(new DynamoDBClient(client), env["REKEY_TABLE"] ?? "");
  await new SchedulerClient(client).send(
    new CreateScheduleGroupCommand({ Name: env["REKEY_SCHEDULE_GROUP"] }),
  );
  await new SNSClient(client).send(new CreateTopicCommand({ Name: pageTopic }));
  const events = new EventBridgeClient(client);
  for (const { bus, rule, pattern, target } of rules) {
    await events.send(
      new PutRuleCommand({ Name: rule, EventBusName: bus, EventPattern: JSON.stringify(pattern) }),
    );
    const Arn = `arn:aws:lambda:${region}:${account}:function:${target.function}`;
    await events.send(
      new PutTargetsCommand({ Rule: rule, EventBusName: bus, Targets: [{ Id: "1", Arn, ...target.input }] }),
    );
  }
  const signing = { Name: "rekey/intake/report", SecretString: randomBytes(32).toString("hex") };
  const { ARN = "" } = await new SecretsManagerClient(client).send(new CreateSecretCommand(signing));
  return { report: ARN };
}

const rules = [
  {
    bus: reportBus,
    rule: "record-evidence",
    pattern: { source: ["rekey.consumer"], "detail-type": ["ConsumerReport"] },
    target: {
      function: "record-evidence",
      input: {
        InputTransformer: {
          InputPathsMap: { event: "$" },
          InputTemplate: `{"environment":"${environment}","event":<event>}`,
        },
      },
    },
  },
  {
    bus: alertBus,
    rule: "raise-alert",
    pattern: { source: ["rekey.intake"], "detail-type": ["KeyCompromised"] },
    target: { function: "raise-alert", input: {} },
  },
  {
    bus: "default",
    rule: "settle-closed",
    pattern: {
      source: ["aws.states"],
      "detail-type": ["Step Functions Execution Status Change"],
      detail: { status: ["FAILED", "TIMED_OUT", "ABORTED"] },
    },
    target: { function: "settle-closed", input: {} },
  },
] as const;
