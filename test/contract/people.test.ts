import { CreateTopicCommand, SNSClient } from "@aws-sdk/client-sns";
import { snsChannel } from "../../functions/adapters/people/channels.ts";
import { escalator } from "../../functions/adapters/people/escalation.ts";
import type { LogLine } from "../../functions/deps.ts";
import { startCloud } from "../../local/aws/server.ts";
import { type SnsMessage, sns } from "../../local/aws/sns.ts";
import { virtualTime } from "../simulation/world/clock.ts";
import { brokenLine, onLine } from "./broken-line.ts";
import { type PeopleWorld, peopleContract, type ReceivedPage, tellsAll } from "./people-contract.ts";
import { simulatedEdges } from "./simulated-edges.ts";

const place = { region: "eu-west-1", account: "111122223333" };

describe("the simulator's", () => peopleContract(simulatedWorld));
describe("a topic", () => peopleContract(topicWorld));

test("every try that fails is logged with its channel and its error, and without the page", async () => {
  const { people, logs, breakNext, close } = await topicWorld();

  breakNext("before");
  await people.page({ ...tellsAll, why: "FAKE words that only people read" });

  expect(logs).toMatchObject([
    { channel: "sns", outcome: "channelFailed", error: "StoreUnavailable", attempt: 1 },
  ]);
  expect(JSON.stringify(logs)).not.toContain("FAKE words");
  await close();
});

async function simulatedWorld(): Promise<PeopleWorld> {
  const time = virtualTime();
  const { deps, edges, line, close } = simulatedEdges();
  return {
    people: { page: (page) => time.run(deps.escalator.page(page)) },
    channel: "fake",
    received: () =>
      edges.incident.pages.map((page) => ({
        ...page,
        text: [page.why, ...page.steps, ...page.links].join("\n"),
      })),
    breakNext: line.breakNext,
    close: async () => {
      close();
      time.uninstall();
    },
  };
}

async function topicWorld() {
  const logs: LogLine[] = [];
  const { client, messages, close } = await startTopics();
  const { TopicArn = "" } = await client.send(new CreateTopicCommand({ Name: "on-call" }));
  const line = brokenLine();
  let nowMs = 0;
  const clock = {
    nowMs: () => nowMs,
    pause: async (ms: number) => {
      nowMs += ms;
    },
  };
  const channel = snsChannel(onLine(client, line), { topicArn: TopicArn, docsUrl: "" });
  return {
    people: escalator({ channels: [channel], clock, log: (logged) => void logs.push(logged) }),
    channel: "sns",
    received: () => messages().map(receivedOf),
    breakNext: line.breakNext,
    ...{ logs, close },
  };
}

async function startTopics() {
  const service = sns(place);
  const cloud = await startCloud({ services: [service] });
  const credentials = { accessKeyId: "FAKE", secretAccessKey: "FAKE" };
  const client = new SNSClient({ endpoint: cloud.url, region: place.region, credentials });
  const close = async () => {
    client.destroy();
    await cloud.close();
  };
  return { client, messages: service.messages, close };
}

function receivedOf({ subject = "", message, attributes }: SnsMessage): ReceivedPage {
  const { incidentId, reason, severity } = attributes as unknown as ReceivedPage;
  return { incidentId, reason, severity, title: subject.replace("Rekey: ", ""), text: message };
}
