import { type Clock, install } from "@sinonjs/fake-timers";
import { type EventBridge, eventBridge } from "../../local/aws/event-bridge.ts";
import { AwsError, type JsonService } from "../../local/aws/service.ts";
import type { Reach } from "../../local/aws/targets.ts";

const place = { region: "eu-west-1", account: "111122223333" };
const caller = { accessKeyId: "test", account: "222233334444", arn: "arn:aws:iam::222233334444:user/test" };
const functionArn = "arn:aws:lambda:eu-west-1:111122223333:function:record-evidence";
const machineArn = "arn:aws:states:eu-west-1:111122223333:stateMachine:rotation";

interface Received {
  readonly arn: string;
  readonly event: { readonly account: string; readonly detail: unknown };
}

/** A bus whose targets write down what they get; `starts` decides how the state machine answers. */
function world(options: { starts?: JsonService["call"]; duplicate?: () => boolean } = {}) {
  const received: Received[] = [];
  const reach: Omit<Reach, "forward"> = {
    lambda: () => ({ queue: (arn, event) => received.push({ arn, event: event as Received["event"] }) }),
    stepFunctions: () => ({ call: options.starts ?? (async () => ({})) }),
  };
  const { duplicate } = options;
  const bus = eventBridge({
    ...place,
    reach,
    buses: ["reports", "archive"],
    ...(duplicate ? { duplicate } : {}),
  });
  return { bus, received };
}

async function addRule(
  bus: EventBridge,
  { on, targets }: { on: string; targets: readonly string[] },
): Promise<void> {
  const EventBusName = on;
  await bus.call("PutRule", { Name: "r", EventBusName, EventPattern: '{"source":["rekey"]}' }, caller);
  const Targets = targets.map((Arn, index) => ({ Id: `t${index}`, Arn }));
  await bus.call("PutTargets", { Rule: "r", EventBusName, Targets }, caller);
}

function put(bus: EventBridge, EventBusName: string): Promise<unknown> {
  const entry = { Source: "rekey", DetailType: "Report", Detail: '{"n":1}', EventBusName };
  return bus.call("PutEvents", { Entries: [entry] }, caller);
}

test("an event carries the account of who put it, not the bus's", async () => {
  const { bus, received } = world();
  await addRule(bus, { on: "reports", targets: [functionArn] });
  await put(bus, "reports");
  expect(received).toEqual([]);
  await bus.idle();
  expect(received).toEqual([
    { arn: functionArn, event: expect.objectContaining({ account: "222233334444", detail: { n: 1 } }) },
  ]);
});

test("an event reaches no rule of another bus", async () => {
  const { bus, received } = world();
  await addRule(bus, { on: "reports", targets: [functionArn] });
  await put(bus, "archive");
  await bus.idle();
  expect(received).toEqual([]);
});

test("an event may reach a target twice", async () => {
  const { bus, received } = world({ duplicate: () => true });
  await addRule(bus, { on: "reports", targets: [functionArn] });
  await put(bus, "reports");
  await bus.idle();
  expect(received).toHaveLength(2);
});

test("a throttled target is tried again", async () => {
  let calls = 0;
  const { bus } = world({
    starts: async () => {
      calls += 1;
      if (calls === 1) throw new AwsError("ThrottlingException", "slow down");
    },
  });
  await addRule(bus, { on: "reports", targets: [machineArn] });
  await put(bus, "reports");
  await bus.idle();
  expect(calls).toBe(2);
  expect(bus.deadLetters()).toEqual([]);
});

test("a target that does not exist is not tried again, and its event is a dead letter", async () => {
  let calls = 0;
  const { bus } = world({
    starts: async () => {
      calls += 1;
      throw new AwsError("StateMachineDoesNotExist", "gone");
    },
  });
  await addRule(bus, { on: "reports", targets: [machineArn] });
  await put(bus, "reports");
  await bus.idle();
  expect(calls).toBe(1);
  expect(bus.deadLetters()).toMatchObject([
    { targetArn: machineArn, errorCode: "StateMachineDoesNotExist", attempts: 1 },
  ]);
});

describe("a rule with a clock", () => {
  let clock: Clock;
  beforeEach(() => {
    clock = install({ toFake: ["Date", "setTimeout", "clearTimeout"] });
  });
  afterEach(() => clock.uninstall());

  async function timedRule(bus: EventBridge, ScheduleExpression: string) {
    await bus.call("PutRule", { Name: "r", ScheduleExpression }, caller);
    await bus.call("PutTargets", { Rule: "r", Targets: [{ Id: "t", Arn: functionArn }] }, caller);
  }

  test("fires first after its interval, and then at each one until it is disabled", async () => {
    const { bus, received } = world();
    await timedRule(bus, "rate(15 minutes)");
    await clock.tickAsync(14 * 60_000);
    expect(received).toHaveLength(0);
    await clock.tickAsync(32 * 60_000);
    expect(received.map(({ event }) => event)).toEqual(
      Array(3).fill(
        expect.objectContaining({ source: "aws.events", "detail-type": "Scheduled Event", detail: {} }),
      ),
    );
    await bus.call("DisableRule", { Name: "r" }, caller);
    await clock.tickAsync(3_600_000);
    expect(received).toHaveLength(3);
    bus.close();
  });

  test("is refused on any bus but the default one", async () => {
    const { bus } = world();
    const given = { Name: "r", ScheduleExpression: "rate(1 day)", EventBusName: "reports" };
    await expect(bus.call("PutRule", given, caller)).rejects.toThrow(/default event bus/);
    bus.close();
  });
});

test("a bus passes an event on to another bus, once and with its account, and not in circles", async () => {
  const { bus, received } = world();
  await addRule(bus, { on: "reports", targets: ["arn:aws:events:eu-west-1:111122223333:event-bus/archive"] });
  await addRule(bus, {
    on: "archive",
    targets: [functionArn, "arn:aws:events:eu-west-1:111122223333:event-bus/reports"],
  });
  await put(bus, "reports");
  await bus.idle();
  expect(received.map(({ event }) => event.account)).toEqual(["222233334444"]);
});
