import * as z from "zod";
import { nativeTokenOf } from "../../core/rotation/native.ts";
import { assertHolder, assertNotAborted } from "../../core/rotation/secret-record.ts";
import type { Deps } from "../deps.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";

/** Asks a person or a pool for the key, because this provider cannot mint. The callback carries ids only. */
export const awaitKey = step({
  name: "await-key",
  input: z.object({ ...ticketShape, token: z.string().min(1).max(2048) }),
  run: async (input, deps: Deps) => {
    const { secretArn, rotationId, token } = input;
    const record = await deps.ledger.changeSecret(secretArn, (now) => {
      assertNotAborted(assertHolder(now, input));
      return { ...now, wait: { rotationId, token, decision: "supply" } };
    });
    if (record.run?.phase === "staged") {
      const { keyId, versionId, fingerprint } = record.run.incoming;
      await deps.executions.succeed(token, { outcome: "staged", keyId, versionId, fingerprint });
      return { outcome: "supplied" as const };
    }
    // The function that Secrets Manager called supplies it: nobody has to hear of that.
    if (nativeTokenOf(rotationId) !== undefined) return { outcome: "waiting" as const };
    await deps.bus.publish({
      type: "KeyWanted",
      secretArn,
      detail: { rotationId, command: `rekey supply ${secretArn}` },
    });
    return { outcome: "waiting" as const };
  },
});

export const handler = onLambda(awaitKey, wiring());
