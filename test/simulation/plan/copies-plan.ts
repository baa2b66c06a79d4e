import { type PlaceName, type PlaceTrouble, placeNames, placeTroubles } from "../world/places.ts";
import { Random } from "./random.ts";

/** One seed in eight; streams of their own leave every other seed as it is. */
const copiesEvery = { seeds: 8, at: 4 };
/** Of these in a quarter a place refuses the write, somebody changes the value, and the place is well again. */
const refusedEvery = { seeds: 32, at: 20 };
/** Of these in an eighth the CI's value is the organization's, and only some repositories may use it. */
const sharedEvery = { seeds: 64, at: 44 };
/** In another eighth somebody's own value stands under the CI's name, and the policy does not let Rekey take it over. */
const foreignEvery = { seeds: 64, at: 60 };
const [copiesStream, troublesStream, refusedStream] = [9, 10, 44];
const busyMs = 35_000;

export interface WithCopies {
  /** Places that get copies of its key. */
  readonly copies?: readonly PlaceName[];
  /** The CI's value is an organization's, which it shares with some of its repositories. */
  readonly sharesCi?: boolean;
  /** Under the CI's name is somebody's own value. */
  readonly hasForeignCi?: boolean;
}

/** What goes wrong at a place that gets copies. */
export interface PlaceTroubled {
  readonly kind: "placeTrouble";
  readonly atMs: number;
  readonly secret: number;
  readonly place: PlaceName;
  readonly trouble: PlaceTrouble;
}

const isOf = (seed: number, { seeds, at }: { readonly seeds: number; readonly at: number }) =>
  seed % seeds === at;

export function hasCopies(seed: number): boolean {
  return isOf(seed, copiesEvery);
}

export function withCopies<Secret extends WithCopies>(
  seed: number,
  secrets: readonly Secret[],
): readonly Secret[] {
  const [first, ...others] = secrets;
  if (first === undefined || !hasCopies(seed)) return secrets;
  const random = new Random(seed, copiesStream);
  const [sharesCi, hasForeignCi] = [isOf(seed, sharedEvery), isOf(seed, foreignEvery)];
  const needsCi = sharesCi || hasForeignCi;
  const copies = placeNames.filter((name) => random.chance(0.6) || (needsCi && name === "ci"));
  return [{ ...first, copies: copies.length === 0 ? ["web"] : copies, sharesCi, hasForeignCi }, ...others];
}

export function* troublesFor(seed: number, secrets: readonly WithCopies[]): Generator<PlaceTroubled> {
  yield* refusedAndChanged(seed, secrets);
  const random = new Random(seed, troublesStream);
  for (const [secret, { copies = [] }] of secrets.entries()) {
    const count = copies.length === 0 ? 0 : random.pick([0, 1, 2, 3]);
    for (let nth = 0; nth < count; nth++) {
      const place = random.pick(copies as [PlaceName, ...PlaceName[]]);
      const trouble = random.pick(placeTroubles);
      const atMs = random.int(0, random.chance(0.5) ? 8_000 : busyMs);
      yield { atMs, secret, kind: "placeTrouble", place, trouble };
      if (!random.chance(0.6)) continue;
      const healedAtMs = atMs + random.int(2_000, 20_000);
      yield { atMs: healedAtMs, secret, kind: "placeTrouble", place, trouble: "heal" };
    }
  }
}

function* refusedAndChanged(seed: number, secrets: readonly WithCopies[]): Generator<PlaceTroubled> {
  const [place] = secrets[0]?.copies ?? [];
  if (place === undefined || !isOf(seed, refusedEvery)) return;
  const random = new Random(seed, refusedStream);
  const changedAtMs = random.int(4_000, 20_000);
  const about = { secret: 0, kind: "placeTrouble", place } as const;
  yield { ...about, atMs: 0, trouble: "refuses" };
  yield { ...about, atMs: changedAtMs, trouble: "change" };
  yield { ...about, atMs: changedAtMs + random.int(0, 2_000), trouble: "heal" };
}
