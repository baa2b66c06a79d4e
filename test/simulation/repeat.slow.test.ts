import { simulate } from "./run/simulation.ts";

test.each([7, 12, 13, 31, 258])("seed %i gives the same run twice, byte for byte", async (seed) => {
  const first = await simulate(seed);
  const second = await simulate(seed);
  expect(second.journal()).toEqual(first.journal());
});

test("another seed gives another run", async () => {
  const [one, two] = [await simulate(7), await simulate(8)];
  expect(two.journal()).not.toEqual(one.journal());
});
