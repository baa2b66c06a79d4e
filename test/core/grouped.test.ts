import { grouped } from "../../core/grouped.ts";

test("each group has its items in their order, and the groups stand in the order of their first items", () => {
  const words = ["beta", "alpha", "bravo", "arrow"];
  expect([...grouped(words, (word) => word[0])]).toEqual([
    ["b", ["beta", "bravo"]],
    ["a", ["alpha", "arrow"]],
  ]);
  expect(grouped([], String).size).toBe(0);
});
