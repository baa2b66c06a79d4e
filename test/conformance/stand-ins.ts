import { cloudTrail } from "../../local/aws/cloudtrail.ts";
import type { BusEvent } from "../../local/aws/event.ts";
import { eventBridge } from "../../local/aws/event-bridge.ts";
import { integrations } from "../../local/aws/integrations.ts";
import { kms } from "../../local/aws/kms.ts";
import { type Lambda, lambda } from "../../local/aws/lambda.ts";
import { s3 } from "../../local/aws/s3.ts";
import { scheduler } from "../../local/aws/scheduler.ts";
import { secretsManager } from "../../local/aws/secrets-manager.ts";
import { startCloud } from "../../local/aws/server.ts";
import { sns } from "../../local/aws/sns.ts";
import { sqs } from "../../local/aws/sqs.ts";
import { type StepFunctions, stepFunctions } from "../../local/aws/step-functions.ts";

export const place = { region: "eu-west-1", account: "111122223333" };

export interface StandIns {
  readonly url: string;
  /** Errors of the stand-ins themselves. */
  readonly defects: readonly unknown[];
  close(): Promise<void>;
}

/** The local cloud's stand-ins without a stack and without permissions, so that a case may make what it needs. */
export async function startStandIns(): Promise<StandIns> {
  const reach = {
    lambda: (): Lambda => functions,
    stepFunctions: (): StepFunctions => machines,
    forward: (busArn: string, event: BusEvent): void => buses.forward(busArn, event),
  };
  const functions = lambda({ ...place, functions: {} });
  const buses = eventBridge({ ...place, reach });
  const topics = sns(place);
  const queues = sqs({ ...place, url: () => cloud.url });
  const machines: StepFunctions = stepFunctions({
    ...place,
    machines: {},
    task: integrations({ ...reach, eventBridge: () => buses, sns: () => topics }),
    onStatusChange: (event) => buses.emit(event),
  });
  const schedules = scheduler({ ...place, reach });
  const trail = cloudTrail();
  const secrets = secretsManager({ ...place, onCall: (record) => trail.record(record) });
  const defects: unknown[] = [];
  const cloud = await startCloud({
    services: [machines, buses, schedules, functions, secrets, s3(), topics, queues, trail, kms(place)],
    onDefect: (error) => defects.push(error),
  });
  return {
    ...{ url: cloud.url, defects },
    async close() {
      for (const each of [machines, buses, schedules]) each.close();
      await cloud.close();
    },
  };
}
