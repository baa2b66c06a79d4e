import { hostname } from "node:os";
import { ConsumerReport } from "../../events/consumer-report.ts";
import { createRekey } from "../../sdk/client/index.ts";
import { createInstance } from "../../sdk/client/instance.ts";
import { FakeUpstream, secretArn, VirtualTime } from "./world.ts";

/** What a process calls itself in its first report. */
const reportedBy = async (instance?: string): Promise<string | undefined> => {
  const upstream = new FakeUpstream(new VirtualTime());
  upstream.latencyMs = 0;
  const rekey = createRekey({
    consumer: "billing",
    environment: "production",
    reportBus: "reports",
    transport: upstream.transport,
    instance,
  });
  await rekey.open({ secret: secretArn });
  await rekey.close();
  const reports = upstream.entries.map(({ Detail }) => ConsumerReport.parse(JSON.parse(Detail)));
  expect(new Set(reports.map((report) => report.instance)).size).toBe(1);
  return reports[0]?.instance;
};

test("two starts of one pod have one name and are two instances", async () => {
  const [first = "", second = ""] = [await reportedBy("billing-0"), await reportedBy("billing-0")];

  expect([first, second].map((instance) => instance.split("/")[0])).toEqual(["billing-0", "billing-0"]);
  expect(first).not.toBe(second);
});

test("without a name it is the host's", async () => {
  expect(await reportedBy()).toMatch(new RegExp(`^${hostname()}/[0-9a-f]{12}$`));
});

test("a name that would break a screen or a record is made plain, and is never too long for a report", async () => {
  expect(await reportedBy("pod\u001b[31m\n7")).toMatch(/^pod--31m-7\/[0-9a-f]{12}$/);
  expect((await reportedBy("x".repeat(500)))?.length).toBe(80 + 1 + 12);
});

test("nothing is decided before the first report, so that clones of an earlier snapshot differ", () => {
  const before = createInstance({ instance: "vm", startId: undefined });

  // Two clones go on from the same state: here, two that were made alike and asked later.
  const clone = createInstance({ instance: "vm", startId: undefined });
  expect(before()).not.toBe(clone());
  expect(before()).toBe(before());
});
