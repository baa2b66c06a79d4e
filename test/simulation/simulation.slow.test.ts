import { lastLine, timeoutMs } from "./run/last-line.ts";

test(
  "a thousand random runs and a crash at every call break no rule and leave no stray",
  async () => {
    const summary = await lastLine("./simulate.ts", ["--seeds", "1000"]);
    expect(summary).toMatchObject({ type: "simulation", seeds: 1_000, violations: 0, strays: 0 });
    expect(summary["crashPoints"]).toBeGreaterThan(8_000);
    expect(summary["faults"]).toBeGreaterThan(1_000);
  },
  timeoutMs,
);
