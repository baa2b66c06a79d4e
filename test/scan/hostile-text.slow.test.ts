import { findIn } from "../../scan/find.ts";
import { numbersFrom } from "./corpus.ts";

const seed = 20_261_130;

test("hostile text takes time in proportion to its length", () => {
  const hostile: Readonly<Record<string, (size: number) => string>> = {
    prefixes: (size) => "sk-proj-".repeat(size / 8),
    names: (size) => "key".repeat(size / 3),
    assignments: (size) => "key=".repeat(size / 4),
    quotes: (size) => `key${'"'.repeat(size)}`,
    spaces: (size) => "token  \n  ".repeat(size / 10),
    letters: (size) => `VITE_${"SECRET_".repeat(size / 7)}`,
    lines: (size) => "sk-\n".repeat(size / 4),
    dots: (size) => "SG.SG.".repeat(size / 6),
  };
  const next = numbersFrom(seed);
  for (const [name, make] of Object.entries(hostile)) {
    const msOf = (size: number) => {
      const text = make(size);
      const startedAt = process.cpuUsage();
      findIn({ path: `a-${next()}.json`, text });
      const { user, system } = process.cpuUsage(startedAt);
      return (user + system) / 1_000;
    };
    msOf(100_000);
    const [small, large] = [msOf(250_000), msOf(4_000_000)];
    // Sixteen times the text; quadratic time would be 256 times.
    expect([name, large < Math.max(small, 4) * 80]).toEqual([name, true]);
  }
});
