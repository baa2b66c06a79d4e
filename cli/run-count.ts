import type { HistoryEvent } from "@aws-sdk/client-sfn";
import { awsBounds } from "../aws/bounds.ts";
import type { RunCount } from "../aws/run-costs.ts";

/** An execution has at most 25,000 events; a page holds 1,000. */
const pagesMax = 25;
const pageSize = 1_000;

/** Step Functions keeps a history for 90 days after its end; undefined for one that is gone. */
export async function readRunCount(executionArn: string): Promise<RunCount | undefined> {
  const { GetExecutionHistoryCommand, SFNClient } = await import("@aws-sdk/client-sfn");
  const client = new SFNClient(awsBounds);
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const input = { executionArn, maxResults: pageSize, includeExecutionData: false };
    const answer = await client
      .send(new GetExecutionHistoryCommand({ ...input, ...(nextToken && { nextToken }) }))
      .catch(gone);
    if (answer === undefined) return undefined;
    events.push(...(answer.events ?? []));
    nextToken = answer.nextToken;
    if (nextToken === undefined) break;
  }
  return countIn(events);
}

function gone(error: unknown): undefined {
  if (error instanceof Error && error.name === "ExecutionDoesNotExist") return undefined;
  throw error;
}

type Event = Pick<HistoryEvent, "id" | "type" | "timestamp" | "previousEventId">;

/** A call of a function that waits for a token ends when it was handed over: the wait itself costs nothing. */
const starts = new Set(["LambdaFunctionStarted", "TaskStarted"]);
const ends = /^(LambdaFunction(Succeeded|Failed|TimedOut)|Task(Submitted|Succeeded|Failed|TimedOut))$/;

export function countIn(events: readonly Event[]): RunCount {
  const startedAtMs = new Map(
    events.flatMap(({ id, type = "", timestamp }) =>
      starts.has(type) && id !== undefined && timestamp ? [[id, timestamp.getTime()]] : [],
    ),
  );
  const tookMs = events.flatMap(({ type = "", previousEventId = 0, timestamp }) => {
    const fromMs = startedAtMs.get(previousEventId);
    return ends.test(type) && fromMs !== undefined && timestamp ? [timestamp.getTime() - fromMs] : [];
  });
  return {
    steps: events.filter(({ type = "" }) => type.endsWith("StateEntered")).length,
    calls: startedAtMs.size,
    functionSeconds: tookMs.reduce((sum, ms) => sum + ms, 0) / 1_000,
  };
}
