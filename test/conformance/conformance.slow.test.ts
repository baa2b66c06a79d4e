import { answerOf } from "./answers.ts";
import { cases } from "./cases/index.ts";
import { connect, disconnect, runCase } from "./harness.ts";
import { place, startStandIns } from "./stand-ins.ts";

const caseMsMax = 20_000;

// Concurrent tests do not wait for beforeAll.
const standIns = await startStandIns();
const credentials = { accessKeyId: "test", secretAccessKey: "test" };
const clients = connect({ endpoint: standIns.url, region: place.region, credentials });

afterAll(async () => {
  disconnect(clients);
  await standIns.close();
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
    expect(standIns.defects).toEqual([]);
  });
});
