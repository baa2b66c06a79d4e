import { StoreUnavailable } from "../../core/errors.ts";
import type { Deps, Page, With } from "../deps.ts";

/** Repeats within an hour are in the audit log and page nobody again. */
const pagedAgainAfterMs = 3_600_000;

interface Paged {
  readonly atMs: number;
}

const pagedAt = (name: string) => ({ kind: "INCIDENT", id: "tests-of-real-keys", sort: name });

/** Warns people of something that opens no incident. `name` is the same for what counts as a repeat. */
export async function warnHourly(
  { name, atMs, page }: { readonly name: string; readonly atMs: number; page(): Promise<Page> },
  deps: With<"escalator">,
): Promise<void> {
  if (!(await isToPage({ name, atMs }, deps))) return;
  const warning = await page();
  const { delivered } = await deps.escalator.page(warning);
  if (delivered.length > 0) return;
  await forget(name, deps);
  throw new StoreUnavailable(`no channel delivered the warning: ${warning.title}`);
}

async function isToPage(
  { name, atMs }: { readonly name: string; readonly atMs: number },
  { ledger }: Deps,
): Promise<boolean> {
  let isDue = false;
  await ledger.documents.change<Paged>(pagedAt(name), (paged) => {
    isDue = paged === undefined || atMs - paged.atMs >= pagedAgainAfterMs;
    return isDue ? { atMs } : (paged ?? { atMs });
  });
  return isDue;
}

/** A warning that nobody received is sent again when its cause comes again. */
async function forget(name: string, { ledger }: Deps): Promise<void> {
  await ledger.documents.change<Paged>(pagedAt(name), () => ({ atMs: 0 }));
}
