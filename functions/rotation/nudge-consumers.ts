import * as z from "zod";
import type { RefreshAnswer } from "../../consumers/ports.ts";
import { consumersAtOnceMax, together } from "../../consumers/together.ts";
import type { ConsumerPolicy } from "../../core/policy.ts";
import { markSeenPromoted } from "../../core/rotation/incoming.ts";
import { assertPromoted } from "../../core/rotation/secret-record.ts";
import type { With } from "../deps.ts";
import { refreshMemory } from "../secret/refresh-memory.ts";
import { policyAtGate } from "../secret/run-record.ts";
import { onLambda, step, ticketShape } from "../step.ts";
import { wiring } from "../wiring/base.ts";
import { refreshers } from "../wiring/parts/refreshers.ts";

/**
 * Starts every consumer's refresh. A failure is reported by the consumer's name, and the gate still waits for
 * that consumer.
 */
export const nudgeConsumers = step({
  name: "nudge-consumers",
  input: z.object(ticketShape),
  run: async (input, deps: With<"refreshers">) => {
    const { secretArn, rotationId, at: nowMs } = input;
    const policy = await policyAtGate(input, deps);
    const record = await deps.ledger.changeSecret(secretArn, (now) =>
      markSeenPromoted(now, input, { atMs: nowMs }),
    );
    const { incoming, deadlineAtMs } = assertPromoted(record, input);
    const consumers = policy.consumers === "none" ? [] : policy.consumers;
    const order = {
      ...{ secretArn, secretName: policy.name, versionId: incoming.versionId, rotationId },
      ...{ nowMs, deadlineAtMs, memory: refreshMemory(deps), bus: deps.bus },
    };
    const answers = await together(consumers, {
      atOnceMax: consumersAtOnceMax,
      work: async (consumer) => ({
        consumer,
        answer: await deps.refreshers[consumer.refresh.kind].refresh({ ...order, consumer }),
      }),
    });
    const started = answers
      .filter(({ answer }) => answer.outcome === "started")
      .map(({ consumer }) => consumer.name);
    const failed = answers.flatMap(failureIn);
    if (failed.length > 0) {
      await deps.bus.publish({ type: "RefreshFailed", secretArn, detail: { failed, rotationId } });
    }
    return { outcome: "nudged" as const, started, failed };
  },
});

export const handler = onLambda(nudgeConsumers, wiring({ refreshers }));

interface Nudged {
  readonly consumer: ConsumerPolicy;
  readonly answer: RefreshAnswer;
}

function failureIn({ consumer, answer }: Nudged): readonly string[] {
  const hasFailed = answer.outcome === "failed" || answer.outcome === "off";
  return hasFailed ? [`${consumer.name}: ${answer.detail}`] : [];
}
