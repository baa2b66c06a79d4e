import { type CrashPoint, crashAt, crashPoints } from "./faults/crash-matrix.ts";
import { functionsOf } from "./run/machines.ts";

let points: readonly CrashPoint[];

beforeAll(async () => {
  points = await crashPoints();
});

/** What no path of the matrix calls. */
const notCut: Readonly<Record<string, string>> = {
  // The rotation's own path with copies cuts it.
  "write-copies": "in an incident: told as a story in test/machine/rotation/copies.slow.test.ts",
  "check-promotion":
    "called only where a policy has a window, a freeze, an approval or an order: told as stories",
};

test.each(["rotation", "compromise"] as const)(
  "every function of the %s machine is cut somewhere",
  (machine) => {
    const cut = new Set(points.flatMap((point) => (point.machine === machine ? point.functionName : [])));
    const named = functionsOf(machine);
    expect(named.length).toBeGreaterThan(10);
    expect(
      named.filter((functionName) => !cut.has(functionName) && notCut[functionName] === undefined),
    ).toEqual([]);
  },
);

const places: readonly (readonly [string, Pick<CrashPoint, "aftermath">, RegExp])[] = [
  [
    "a roll-back that began lets no mint place its key any more",
    { aftermath: "deliveredTwice" },
    /^mint-key: provider POST/,
  ],
  [
    "a quarantine that thaws late does not take a revoked run back",
    { aftermath: "thawedDuring" },
    /^quarantine-key: table/,
  ],
  [
    "a promotion that died half-way still takes AWSPENDING off",
    { aftermath: "retried" },
    /^promote-version: store/,
  ],
  [
    "a merge that died half-way is resumed by the next run",
    { aftermath: "nextRun" },
    /^promote-version: store/,
  ],
  [
    "a write of a copy that thaws after its repeat does not make the copy look changed",
    { aftermath: "thawedAfter" },
    /^write-copies: table/,
  ],
  [
    "a write of a copy that lands after what its repeat had deployed has it deployed once more",
    { aftermath: "thawedAfter" },
    /^write-copies: destination web/,
  ],
  [
    "an incident whose execution died, and of whose end no event told, is settled by the sweep and told to people",
    { aftermath: "swept" },
    /^check-clock: table/,
  ],
];

test.each(places)("%s", async (_sentence, { aftermath }, call) => {
  const chosen = points.filter((point) => point.aftermath === aftermath && call.test(point.call));
  expect(chosen.length).toBeGreaterThan(0);
  for (const point of chosen)
    expect({ point, ...(await crashAt(point)) }).toMatchObject({ violations: [], point });
});
