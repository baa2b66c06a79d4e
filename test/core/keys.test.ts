import {
  isReplacementRun,
  isSpent,
  type KeyState,
  keyName,
  keyNamesOf,
  parseKeyName,
  replacementRunId,
} from "../../core/keys.ts";

const states: readonly KeyState[] = [
  ...(["intended", "minted", "staged", "current", "retiring", "quarantined"] as const),
  ...(["revoking", "revoked", "dead", "discarded", "stray"] as const),
];
const named = (state: KeyState) => ({ name: "rekey/r-1/1", state });

test("a key's name tells its run and attempt, and starts as all names of that run do", () => {
  const name = keyName({ rotationId: "r-81c2", attempt: 3 });
  expect(name).toBe("rekey/r-81c2/3");
  expect(name.startsWith(keyNamesOf("r-81c2"))).toBe(true);
  expect(parseKeyName(name)).toEqual({ rotationId: "r-81c2", attempt: 3 });
});

test("the names of one run are not the beginning of another run's", () => {
  expect(keyName({ rotationId: "r-10", attempt: 1 }).startsWith(keyNamesOf("r-1"))).toBe(false);
});

test("a replacement is known as its incident's and its secret's, whatever the fence was", () => {
  const place = { incidentId: "i-0123456789-1", secretTag: "0a1b2c3d" };
  expect(isReplacementRun(replacementRunId({ ...place, fence: 7 }), place)).toBe(true);
  expect(isReplacementRun(replacementRunId({ ...place, secretTag: "ffffffff", fence: 7 }), place)).toBe(
    false,
  );
  expect(isReplacementRun(replacementRunId({ ...place, incidentId: "i-1", fence: 7 }), place)).toBe(false);
});

test("each secret of an incident, each time that it is taken, names its keys after a run of its own", () => {
  const first = { incidentId: "i-0123456789-1", secretTag: "0a1b2c3d", fence: 7 };
  const others = [
    { ...first, secretTag: "0a1b2c3e" },
    { ...first, fence: 8 },
    { ...first, incidentId: "i-0123456789-2" },
  ];
  const names = [first, ...others].map((place) =>
    keyName({ rotationId: replacementRunId(place), attempt: 1 }),
  );

  expect(names[0]).toBe("rekey/i-0123456789-1-0a1b2c3d-7/1");
  expect(parseKeyName(names[0] ?? "")).toEqual({ rotationId: "i-0123456789-1-0a1b2c3d-7", attempt: 1 });
  expect(new Set(names).size).toBe(4);
  // Given before each secret had a name of its own; such keys are known still.
  expect(parseKeyName("rekey/i-0123456789-1/1")).toEqual({ rotationId: "i-0123456789-1", attempt: 1 });
});

test.each([
  ...[
    "",
    "rekey",
    "rekey/",
    "rekey/r-1",
    "rekey/r-1/",
    "rekey/r-1/0",
    "rekey/r-1/01",
    "rekey/r-1/1x",
    "rekey//1",
  ],
  ...["rekey/r 1/1", "rekey/r-1/1/2", "Rekey/r-1/1", " rekey/r-1/1", "rekey/r-1/1\n", "rekey/r-1/1000000"],
  `rekey/${"r".repeat(81)}/1`,
])("%j is no name that Rekey gave", (name) => {
  expect(parseKeyName(name)).toBeUndefined();
});

test("a key that retires, is revoked or was compromised may never be current again", () => {
  expect(states.filter((state) => isSpent(named(state)))).toEqual([
    ...["retiring", "quarantined", "revoking", "revoked", "dead"],
  ]);
  expect(states.every((state) => isSpent({ ...named(state), compromised: true }))).toBe(true);
  expect(isSpent({ ...named("current"), compromised: false })).toBe(false);
});
