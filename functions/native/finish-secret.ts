import { nativeRunOf } from "../../core/rotation/native.ts";
import { bump, promotedRun } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";
import { wakeIfDecided } from "../secret/wake-run.ts";
import { type NativeCall, waitFor } from "./native-call.ts";

/**
 * Says that Secrets Manager asks for the promotion, and waits until the machine has made it. It moves no label itself:
 * pin, fence and compare-and-swap are in one place, promote-version.
 */
export async function finishSecret(call: NativeCall, deps: Deps): Promise<"promoted"> {
  const { secretArn, token } = call;
  const rotationId = nativeRunOf(token);
  await deps.ledger.changeSecret(secretArn, (now) =>
    now.lease?.runId !== rotationId || now.finished === rotationId
      ? now
      : bump({ ...now, finished: rotationId }),
  );
  await wakeIfDecided({ secretArn, nowMs: deps.clock.nowMs() }, deps);
  return waitFor(call, {
    what: "the promotion",
    deps,
    answer: ({ record, isHeld }) =>
      isHeld && promotedRun(record.run) !== undefined ? ("promoted" as const) : undefined,
  });
}
