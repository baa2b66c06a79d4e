import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { KMSClient } from "@aws-sdk/client-kms";
import { LambdaClient } from "@aws-sdk/client-lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { SchedulerClient } from "@aws-sdk/client-scheduler";
import { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { SFNClient } from "@aws-sdk/client-sfn";
import { SNSClient } from "@aws-sdk/client-sns";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { Clients, ConformanceCase, Scratch } from "./case.ts";

export interface ClientOptions {
  /** Without it the SDK finds its endpoint: AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL, else AWS. */
  readonly endpoint?: string;
  readonly region?: string;
  /** Without them the SDK finds its own. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const pollMs = 50;
const eventuallyMs = 10_000;

export function connect(options: ClientOptions): Clients {
  return {
    sfn: new SFNClient(options),
    eventBridge: new EventBridgeClient(options),
    scheduler: new SchedulerClient(options),
    lambda: new LambdaClient(options),
    secretsManager: new SecretsManagerClient(options),
    s3: new S3Client({ ...options, forcePathStyle: true }),
    sns: new SNSClient(options),
    sqs: new SQSClient(options),
    cloudTrail: new CloudTrailClient(options),
    kms: new KMSClient(options),
  };
}

export function disconnect(clients: Clients): void {
  for (const client of Object.values(clients)) client.destroy();
}

/** Runs one case and undoes what it left behind; rejects as the case does. */
export async function runCase({ run }: ConformanceCase, clients: Clients): Promise<void> {
  const undos: (() => Promise<unknown>)[] = [];
  const scratch: Scratch = {
    unique: (label) => `${label}-${randomUUID().slice(0, 13)}`,
    cleanUp: (undo) => undos.push(undo),
    eventually,
    roleArn: process.env["CONFORMANCE_ROLE_ARN"] ?? "arn:aws:iam::111122223333:role/rekey-conformance",
  };
  try {
    await run(clients, scratch);
  } finally {
    for (const undo of undos.reverse()) await undo().catch(() => undefined);
  }
}

async function eventually<T>(probe: () => Promise<T | undefined>, withinMs = eventuallyMs): Promise<T> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const answer = await probe();
    if (answer !== undefined) return answer;
    if (Date.now() > deadline) throw new Error(`nothing came within ${withinMs} ms`);
    await pause(pollMs);
  }
}
