import * as z from "zod";
import { assertPromoted } from "../core/secret-record.ts";
import type { Deps } from "./deps.ts";
import { policyAtGate } from "./run-policy.ts";
import { onLambda, step, ticketShape } from "./step.ts";
import { wiring } from "./wiring.ts";

/** Starts every consumer's refresh. One that fails is reported by name; the gate waits for it all the same. */
export const nudgeConsumers = step({
  name: "nudge-consumers",
  input: z.object(ticketShape),
  run: async (input, deps: Deps) => {
    const policy = await policyAtGate(input, deps);
    const { incoming } = assertPromoted(await deps.ledger.secret(input.secretArn), input);
    const consumers = policy.consumers === "none" ? [] : policy.consumers;
    const started: string[] = [];
    const failed: string[] = [];
    for (const consumer of consumers) {
      const { outcome, detail } = await deps.refreshers[consumer.refresh.kind].refresh({
        consumer,
        secretArn: input.secretArn,
        versionId: incoming.versionId,
        rotationId: input.rotationId,
      });
      if (outcome === "started") started.push(consumer.name);
      if (outcome === "failed" || outcome === "off") failed.push(`${consumer.name}: ${detail}`);
    }
    if (failed.length > 0) {
      await deps.bus.publish({
        type: "RefreshFailed",
        secretArn: input.secretArn,
        detail: { failed, rotationId: input.rotationId },
      });
    }
    return { outcome: "nudged" as const, started, failed };
  },
});

export const handler = onLambda(nudgeConsumers, wiring("nudge-consumers"));
