import { EventBridgeClient, PutRuleCommand, PutTargetsCommand } from "@aws-sdk/client-eventbridge";
import { eventBridgeBus } from "../../functions/adapters/event-bridge.ts";
import { eventBridge } from "../../local/aws/event-bridge.ts";
import { startCloud } from "../../local/aws/server.ts";
import { brokenLine, onLine } from "./broken-line.ts";
import { type BusWorld, busContract, type ReceivedEvent } from "./bus-contract.ts";
import { simulatedEdges } from "./simulated-edges.ts";

const place = { region: "eu-west-1", account: "111122223333" };
const listenerArn = `arn:aws:lambda:eu-west-1:${place.account}:function:listener`;

describe("the simulator's", () => busContract(simulatedWorld));
describe("EventBridge", () => busContract(withoutResources));

test("the event names the secret as its resource, for people's own rules", async () => {
  const { bus, received, close } = await eventBridgeWorld();
  const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-FAKE00";

  await bus.publish({ type: "RotationFailed", secretArn, detail: {} });
  await bus.publish({ type: "IncidentContained", detail: {} });

  expect((await received()).map(({ resources }) => resources)).toEqual([[secretArn], []]);
  await close();
});

async function simulatedWorld(): Promise<BusWorld> {
  const { deps, edges, line, close } = simulatedEdges();
  return {
    bus: deps.bus,
    received: async () =>
      edges.events.map(({ type, secretArn, detail }) => ({
        type,
        detail: { ...detail, ...(secretArn !== undefined && { secretArn }) },
      })),
    breakNext: line.breakNext,
    close: async () => close(),
  };
}

async function eventBridgeWorld() {
  const heard: Heard[] = [];
  const service = eventBridge({
    ...place,
    buses: ["rekey"],
    reach: {
      lambda: () => ({ queue: (_arn, event) => heard.push(heardOf(event)) }),
      stepFunctions: nowhere,
    },
  });
  const cloud = await startCloud({ services: [service] });
  const credentials = { accessKeyId: "FAKE", secretAccessKey: "FAKE" };
  const client = new EventBridgeClient({ endpoint: cloud.url, region: place.region, credentials });
  const rule = { EventBusName: "rekey", EventPattern: '{"source":["rekey"]}' };
  await client.send(new PutRuleCommand({ Name: "all", ...rule }));
  const Targets = [{ Id: "listener", Arn: listenerArn }];
  await client.send(new PutTargetsCommand({ Rule: "all", EventBusName: "rekey", Targets }));
  const line = brokenLine();
  return {
    bus: eventBridgeBus(onLine(client, line), "rekey"),
    received: async () => {
      await service.idle();
      return heard;
    },
    breakNext: line.breakNext,
    close: async () => {
      service.close();
      client.destroy();
      await cloud.close();
    },
  };
}

function nowhere(): never {
  throw new Error("no rule leads there");
}

/** The port's callers know of no resources. */
async function withoutResources(): Promise<BusWorld> {
  const world = await eventBridgeWorld();
  const received = async () => (await world.received()).map(({ type, detail }) => ({ type, detail }));
  return { ...world, received };
}

interface Heard extends ReceivedEvent {
  readonly resources: readonly string[];
}

function heardOf(event: unknown): Heard {
  const { "detail-type": type, detail, resources } = event as Omit<Heard, "type"> & { "detail-type": string };
  return { type, detail, resources };
}
