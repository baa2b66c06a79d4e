import { once } from "node:events";
import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

const workersMax = 16;
/** A fresh worker costs as much as fifty runs until its code is compiled; a leak would go with the old one. */
const jobsPerWorkerMax = 100;
/** A run makes some megabytes and drops them all: in a small nursery most of it would be copied before that. */
const resourceLimits = { maxYoungGenerationSizeMb: 192 };

interface Work<Job, Answer> {
  readonly jobs: readonly Job[];
  readonly onAnswer: (answer: Answer) => void;
  /** Each job gets a worker of its own, because a worker can load its modules in one way only. */
  readonly isFresh?: boolean;
}

/** Hands out jobs, one at a time, to as many workers as there are cores. */
export async function inParallel<Job, Answer>(script: URL, work: Work<Job, Answer>): Promise<void> {
  const waiting = work.jobs.values();
  const lanes = Math.min(availableParallelism(), workersMax, work.jobs.length);

  async function lane(): Promise<void> {
    let worker = new Worker(script, { resourceLimits });
    try {
      let done = 0;
      for (const job of waiting) {
        worker.postMessage(job);
        const [answer] = await once(worker, "message");
        work.onAnswer(answer as Answer);
        done += 1;
        if (!work.isFresh && done % jobsPerWorkerMax !== 0) continue;
        await worker.terminate();
        worker = new Worker(script, { resourceLimits });
      }
    } finally {
      await worker.terminate();
    }
  }

  await Promise.all(Array.from({ length: lanes }, lane));
}
