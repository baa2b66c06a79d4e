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
import { answerOf } from "./answers.ts";
import { cases } from "./cases/index.ts";
import { connect, disconnect, runCase } from "./harness.ts";

const place = { region: "eu-west-1", account: "111122223333" };
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
const caseMsMax = 20_000;
const defects: unknown[] = [];

// Concurrent tests do not wait for beforeAll.
const cloud = await startCloud({
  services: [machines, buses, schedules, functions, secrets, s3(), topics, queues, trail, kms(place)],
  onDefect: (error) => defects.push(error),
});
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const clients = connect({ endpoint: cloud.url, region: place.region, credentials });

afterAll(async () => {
  disconnect(clients);
  machines.close();
  buses.close();
  schedules.close();
  await cloud.close();
});

describe("our stand-ins conform", () => {
  for (const one of cases) {
    test.concurrent(`${one.service}: ${one.name}`, () => runCase(one, clients), caseMsMax);
  }

  test("every service of the suite is served", async () => {
    const services = [...new Set(cases.map(({ service }) => service))];
    const answers = await Promise.all(services.map((service) => answerOf(service, clients)));
    expect(services.filter((_, at) => answers[at] !== "served")).toEqual([]);
  });

  test("without a defect", () => {
    expect(defects).toEqual([]);
  });
});
