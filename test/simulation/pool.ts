import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";

const workersMax = 16;

interface Work<Job, Answer> {
  readonly jobs: readonly Job[];
  /** `enough` ends it before the last job. */
  readonly onAnswer: (answer: Answer) => "more" | "enough";
  /** Each job gets a worker of its own, because a worker can load its modules in one way only. */
  readonly isFresh?: boolean;
}

/** Hands out jobs, one at a time, to as many workers as there are cores. */
export async function inParallel<Job, Answer>(script: URL, work: Work<Job, Answer>): Promise<void> {
  const waiting = work.jobs.values();
  const lanes = Math.min(availableParallelism(), workersMax, work.jobs.length);
  let isEnough = false;

  async function lane(): Promise<void> {
    let worker = new Worker(script);
    try {
      for (const job of waiting) {
        if (isEnough) return;
        const answer = await ask<Job, Answer>(worker, job);
        if (work.onAnswer(answer) === "enough") isEnough = true;
        if (!work.isFresh) continue;
        await worker.terminate();
        worker = new Worker(script);
      }
    } finally {
      await worker.terminate();
    }
  }

  await Promise.all(Array.from({ length: lanes }, lane));
}

function ask<Job, Answer>(worker: Worker, job: Job): Promise<Answer> {
  return new Promise((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.postMessage(job);
  });
}
