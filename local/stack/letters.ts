import type { DeadLetter } from "../aws/event-bridge/delivery.ts";
import type { Dropped } from "../aws/lambda.ts";
import type { MissedFiring } from "../aws/scheduler/clock.ts";
import type { Schedule } from "../aws/scheduler/schedule.ts";

/** A message of a dead-letter queue, in the form that its service gives it on AWS: whoever puts it back reads this. */
export interface Letter {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

export function letterOfRule({ ruleArn, targetArn, event, ...failed }: DeadLetter): Letter {
  return {
    body: JSON.stringify(event),
    attributes: {
      ...{ RULE_ARN: ruleArn, TARGET_ARN: targetArn },
      ...{ ERROR_CODE: failed.errorCode, ERROR_MESSAGE: failed.errorMessage },
      EXHAUSTED_RETRY_CONDITION: "MaximumRetryAttempts",
      RETRY_ATTEMPTS: String(failed.attempts - 1),
    },
  };
}

export function letterOfSchedule(
  { scheduleArn, scheduledTime, ...failed }: MissedFiring,
  { target }: Schedule,
): Letter {
  return {
    body: target.Input ?? "{}",
    attributes: {
      ...{ SCHEDULE_ARN: scheduleArn, TARGET_ARN: target.Arn, SCHEDULED_TIME: scheduledTime },
      ...{ ERROR_CODE: failed.errorCode, ERROR_MESSAGE: failed.errorMessage },
      EXHAUSTED_RETRY_CONDITION: "MaximumRetryAttempts",
      RETRY_ATTEMPTS: String(failed.attempts - 1),
    },
  };
}

/** The record that Lambda sends to a function's destination. */
export function letterOfFunction({ arn, requestId, attempts, event, payload }: Dropped): Letter {
  return {
    body: JSON.stringify({
      ...{ version: "1.0", timestamp: new Date().toISOString() },
      requestContext: {
        ...{ requestId, functionArn: `${arn}:$LATEST`, condition: "RetriesExhausted" },
        approximateInvokeCount: attempts,
      },
      requestPayload: event,
      responseContext: { statusCode: 200, executedVersion: "$LATEST", functionError: "Unhandled" },
      responsePayload: JSON.parse(payload),
    }),
    attributes: {},
  };
}
