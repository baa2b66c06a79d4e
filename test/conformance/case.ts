import type { CloudTrailClient } from "@aws-sdk/client-cloudtrail";
import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { KMSClient } from "@aws-sdk/client-kms";
import type { LambdaClient } from "@aws-sdk/client-lambda";
import type { S3Client } from "@aws-sdk/client-s3";
import type { SchedulerClient } from "@aws-sdk/client-scheduler";
import type { SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { SFNClient } from "@aws-sdk/client-sfn";
import type { SNSClient } from "@aws-sdk/client-sns";
import type { SQSClient } from "@aws-sdk/client-sqs";

/** The real SDK clients, all pointed at the endpoint under test. */
export interface Clients {
  readonly sfn: SFNClient;
  readonly eventBridge: EventBridgeClient;
  readonly scheduler: SchedulerClient;
  readonly lambda: LambdaClient;
  readonly secretsManager: SecretsManagerClient;
  readonly s3: S3Client;
  readonly sns: SNSClient;
  readonly sqs: SQSClient;
  readonly cloudTrail: CloudTrailClient;
  readonly kms: KMSClient;
}

/** What a case may leave behind is undone here, also when it fails. */
export interface Scratch {
  /** A name no other case and no earlier run has used: letters, digits and dashes, at most 40 characters. */
  unique(label: string): string;
  /** Runs after the case, last registered first; its own failure is ignored. */
  cleanUp(undo: () => Promise<unknown>): void;
  /** Asks again every 50 ms until `probe` answers something; fails after `withinMs` (10,000 by default). */
  eventually<T>(probe: () => Promise<T | undefined>, withinMs?: number): Promise<T>;
  /** An existing IAM role that the services may assume; a made-up ARN unless CONFORMANCE_ROLE_ARN is set. */
  readonly roleArn: string;
}

/** One statement about AWS's behaviour, checked through SDK clients alone so that any endpoint can be asked. */
export interface ConformanceCase {
  readonly service: keyof Clients;
  /** A sentence in the present tense. */
  readonly name: string;
  /** Throws (node:assert) when the endpoint behaves otherwise. */
  run(clients: Clients, scratch: Scratch): Promise<void>;
}
