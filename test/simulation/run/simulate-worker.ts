import { parentPort } from "node:worker_threads";
import { type Range, simulateRange } from "./simulate-range.ts";

parentPort?.on("message", (range: Range) => {
  simulateRange(range).then((report) => parentPort?.postMessage(report));
});
