import type { Escalator, Page } from "../../functions/deps.ts";
import type { BrokenLine } from "./broken-line.ts";

/** People behind one channel, and what reached them. */
export interface PeopleWorld {
  readonly people: Escalator;
  readonly channel: string;
  received(): readonly ReceivedPage[];
  readonly breakNext: BrokenLine["breakNext"];
  close(): Promise<void>;
}

export interface ReceivedPage extends Pick<Page, "incidentId" | "reason" | "severity" | "title"> {
  /** What a person reads of it. */
  readonly text: string;
}

/** A page with something in every field that a person reads. */
export const tellsAll: Page = {
  ...{ incidentId: "i-20261122-1", reason: "notAccepted", severity: "page", test: false },
  ...{ title: "compromised key key_FAKE1", why: "the provider answers 500 since 03:01:09Z" },
  ...{
    steps: ["rekey incident contain-now i-20261122-1"],
    links: ["https://console.example.com/i-20261122-1"],
  },
  runbook: "docs/runbooks/revoke-not-accepted.md",
  about: { provider: "openai", keyId: "key_FAKE1", secretArns: [], deadlineAtMs: 1_900_000_000_000 },
};
/** More than anybody tries one page. */
const manyTimes = 20;

/** What every way to people does with a page, whatever it goes through. */
export function peopleContract(open: () => Promise<PeopleWorld>): void {
  let world: PeopleWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  test("a page reaches a person with what is wrong and what to do, and the answer says through what", async () => {
    const { people, channel, received } = world;

    expect(await people.page(tellsAll)).toEqual({ delivered: [channel], failed: [] });

    const { incidentId, reason, severity, title } = tellsAll;
    const [page] = received();
    expect(received()).toHaveLength(1);
    expect(page).toMatchObject({ incidentId, reason, severity, title });
    for (const told of [tellsAll.why, ...tellsAll.steps, ...tellsAll.links])
      expect(page?.text).toContain(told);
  });

  test("a notice is sent through a louder channel if there is no quieter one", async () => {
    const { people, channel, received } = world;

    expect(await people.page({ ...tellsAll, severity: "notify" })).toEqual({
      delivered: [channel],
      failed: [],
    });

    expect(received()).toMatchObject([{ severity: "notify" }]);
  });

  test("a page is what it was when it was sent", async () => {
    const steps = ["rekey incident contain-now i-20261122-1"];

    const paging = world.people.page({ ...tellsAll, steps });
    await paging;
    steps.push("rekey waive");

    expect(world.received()[0]?.text).not.toContain("rekey waive");
  });

  test("a page that was not delivered is sent again at once, and counts as delivered", async () => {
    const { people, channel, received, breakNext } = world;

    breakNext("before");
    expect(await people.page(tellsAll)).toEqual({ delivered: [channel], failed: [] });

    expect(received()).toHaveLength(1);
  });

  test("a page whose answer was lost is sent again: twice is better than never", async () => {
    const { people, channel, received, breakNext } = world;

    breakNext("after");
    expect(await people.page(tellsAll)).toEqual({ delivered: [channel], failed: [] });

    expect(received().length).toBeGreaterThan(1);
  });

  test("a page that gets through to nobody is said to have failed, and is no error", async () => {
    const { people, channel, received, breakNext } = world;

    breakNext("before", manyTimes);
    expect(await people.page(tellsAll)).toEqual({ delivered: [], failed: [channel] });

    expect(received()).toEqual([]);
  });
}
