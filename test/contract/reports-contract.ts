import type { ReportShelf } from "../../functions/deps.ts";
import type { BreaksOff } from "./broken-line.ts";

type Report = Parameters<ReportShelf["file"]>[1];

/** One shelf, and what somebody who looks there finds. */
export interface ShelfWorld {
  readonly reports: ReportShelf;
  /** What is on the shelf for this incident, where `file` said it is. */
  found(filed: { readonly incidentId: string; readonly path: string }): Promise<Partial<Report>>;
  breakNext(when: BreaksOff): void;
  close(): Promise<void>;
}

const incidentId = "i-20261122-1";
const unavailable = { name: "StoreUnavailable", retry: "later" };
const early = reportSaying("contained");
const late = reportSaying("scoped: é, \u{1f511}");

function reportSaying(words: string): Report {
  return { json: `{"status":"${words}"}`, markdown: `# Incident\n\n${words}\n` };
}

/** What every shelf does with a report, wherever it stands. */
export function reportsContract(open: () => Promise<ShelfWorld>): void {
  let world: ShelfWorld;
  beforeEach(async () => {
    world = await open();
  });
  afterEach(() => world.close());

  test("a report is found where the shelf said, in both forms and byte for byte", async () => {
    const { path } = await world.reports.file(incidentId, late);

    expect(path).toContain(incidentId);
    expect(await world.found({ incidentId, path })).toEqual(late);
  });

  test("filed again it is in the same place, and replaces what was there", async () => {
    const first = await world.reports.file(incidentId, early);
    const second = await world.reports.file(incidentId, late);

    expect(second).toEqual(first);
    expect(await world.found({ incidentId, ...first })).toEqual(late);
  });

  test("another incident has a place of its own", async () => {
    const [one, other] = [{ incidentId }, { incidentId: `${incidentId}0` }];
    const first = await world.reports.file(one.incidentId, early);
    const second = await world.reports.file(other.incidentId, late);

    expect(second.path).not.toBe(first.path);
    expect(await world.found({ ...one, ...first })).toEqual(early);
    expect(await world.found({ ...other, ...second })).toEqual(late);
  });

  test("one that did not get there may be filed later, and leaves the one before as it was", async () => {
    const filed = await world.reports.file(incidentId, early);

    world.breakNext("before");
    await expect(world.reports.file(incidentId, late)).rejects.toMatchObject(unavailable);
    expect(await world.found({ incidentId, ...filed })).toEqual(early);

    await world.reports.file(incidentId, late);
    expect(await world.found({ incidentId, ...filed })).toEqual(late);
  });

  test("one whose answer was lost is filed again, whole and in the same place", async () => {
    world.breakNext("after");
    await expect(world.reports.file(incidentId, late)).rejects.toMatchObject(unavailable);

    const { path } = await world.reports.file(incidentId, late);

    expect(await world.found({ incidentId, path })).toEqual(late);
  });
}
