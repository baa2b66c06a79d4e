import type { EventBus } from "../../core/ports.ts";
import type { BreaksOff } from "./broken-line.ts";

/** One bus, and everything that reached its listeners. */
export interface BusWorld {
  readonly bus: EventBus;
  received(): Promise<readonly ReceivedEvent[]>;
  breakNext(when: BreaksOff): void;
  close(): Promise<void>;
}

export interface ReceivedEvent {
  readonly type: string;
  readonly detail: unknown;
}

const secretArn = "arn:aws:secretsmanager:eu-west-1:111122223333:secret:billing-FAKE00";
const unavailable = { name: "StoreUnavailable", retry: "later" };
const refusedForGood = { name: "InputInvalid", retry: "never" };
/** EventBridge takes less than this in one request, and so many characters as a type. */
const entryBytesMax = 1024 * 1024;
const typeLengthMax = 128;

/** What every bus does with an event, whoever carries it. */
export function busContract(open: () => Promise<BusWorld>): void {
  let world: BusWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  describe("an event that is published", () => takenCases(() => world));
  describe("an event that is not taken", () => refusedCases(() => world));
}

function takenCases(world: () => BusWorld): void {
  test("reaches every listener, with its type, its detail and its secret", async () => {
    const { bus, received } = world();
    const detail = {
      rotationId: "r-1",
      atMs: 1_900_000_000_000,
      failed: [{ consumer: "billing" }],
      note: null,
    };

    await bus.publish({ type: "RefreshFailed", secretArn, detail });

    expect(await received()).toEqual([{ type: "RefreshFailed", detail: { ...detail, secretArn } }]);
  });

  test("names no secret where it is about none", async () => {
    const { bus, received } = world();

    await bus.publish({ type: "IncidentContained", detail: { incidentId: "i-1" } });

    expect(await received()).toEqual([{ type: "IncidentContained", detail: { incidentId: "i-1" } }]);
  });

  test("is what it was then, and what JSON does not carry is not in it", async () => {
    const { bus, received } = world();
    const keyIds = ["k1"];

    const publishing = bus.publish({ type: "IncidentContained", detail: { keyIds, gone: undefined } });
    keyIds.push("k2");
    await publishing;
    keyIds.push("k3");

    const [event] = await received();
    expect(event?.detail).toStrictEqual({ keyIds: ["k1"] });
  });

  test("twice reaches them twice: a bus knows no repeats", async () => {
    const { bus, received } = world();
    const event = { type: "RotationSucceeded", secretArn, detail: { rotationId: "r-1" } };

    await bus.publish(event);
    await bus.publish(event);

    expect(await received()).toHaveLength(2);
  });
}

function refusedCases(world: () => BusWorld): void {
  test.each([
    ["without a type", { type: "", detail: {} }],
    ["with a type that is too long", { type: "T".repeat(typeLengthMax + 1), detail: {} }],
    ["over the size of a request", { type: "RefreshFailed", detail: { why: "é".repeat(entryBytesMax / 2) } }],
  ])("%s is refused for good, and nobody hears of it", async (_, event) => {
    const { bus, received } = world();

    await expect(bus.publish(event)).rejects.toMatchObject(refusedForGood);

    expect(await received()).toEqual([]);
  });

  test("by a bus that nobody hears may be published later", async () => {
    const { bus, received, breakNext } = world();
    const event = { type: "RotationSucceeded", detail: { rotationId: "r-1" } };

    breakNext("before");
    await expect(bus.publish(event)).rejects.toMatchObject(unavailable);
    expect(await received()).toEqual([]);

    await bus.publish(event);
    expect(await received()).toHaveLength(1);
  });

  test("as far as its publisher knows, because the answer was lost, has reached them", async () => {
    const { bus, received, breakNext } = world();

    breakNext("after");
    const publishing = bus.publish({ type: "RotationSucceeded", detail: { rotationId: "r-1" } });
    await expect(publishing).rejects.toMatchObject(unavailable);

    expect(await received()).toHaveLength(1);
  });
}
