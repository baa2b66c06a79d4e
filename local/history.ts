import { GetExecutionHistoryCommand, type HistoryEvent, SFNClient } from "@aws-sdk/client-sfn";
import { clientAs, type LocalCloud } from "./world.ts";

/** One visit to one state. */
export interface Passage {
  readonly state: string;
  readonly enteredAtMs: number;
  /** Tries of a Task; 0 for states that do no work. */
  readonly attempts: number;
}

const pageSize = 1000;
const pagesMax = 30;

/** The states an execution entered, in order, from its history. */
export async function historyOf(
  cloud: Pick<LocalCloud, "url">,
  executionArn: string,
): Promise<readonly Passage[]> {
  return passagesIn(await eventsOf(cloud, executionArn));
}

/** The whole history of an execution, oldest first. */
export async function eventsOf(
  cloud: Pick<LocalCloud, "url">,
  executionArn: string,
): Promise<readonly HistoryEvent[]> {
  const client = new SFNClient(clientAs(cloud, "reader"));
  const events: HistoryEvent[] = [];
  let nextToken: string | undefined;
  for (let page = 0; page < pagesMax; page++) {
    const answer = await client.send(
      new GetExecutionHistoryCommand({ executionArn, maxResults: pageSize, ...(nextToken && { nextToken }) }),
    );
    events.push(...(answer.events ?? []));
    nextToken = answer.nextToken;
    if (nextToken === undefined) break;
  }
  return events;
}

function passagesIn(events: readonly HistoryEvent[]): readonly Passage[] {
  const passages: { state: string; enteredAtMs: number; attempts: number }[] = [];
  for (const { type, timestamp, stateEnteredEventDetails } of events) {
    if (stateEnteredEventDetails?.name !== undefined) {
      passages.push({
        state: stateEnteredEventDetails.name,
        enteredAtMs: timestamp?.getTime() ?? 0,
        attempts: 0,
      });
    }
    const current = passages.at(-1);
    if (isAttempt(type) && current !== undefined) current.attempts += 1;
  }
  return passages;
}

/** A Task whose resource is a function's ARN has events of its own. */
function isAttempt(type: string | undefined): boolean {
  return type === "TaskScheduled" || type === "LambdaFunctionScheduled";
}
