import type { Refresher } from "../ports.ts";
import { once } from "./once.ts";

/**
 * Only the owner can change this consumer: they get a task with a deadline, and the gate waits for their
 * attestation.
 */
export const manual: Refresher = {
  refresh: (order) =>
    once(order, async () => {
      const { consumer, secretArn, secretName, versionId, rotationId, deadlineAtMs } = order;
      const { name, environment, evidence, refresh } = consumer;
      const owner = refresh.owner ?? refresh.target ?? "its owner";
      const attest = evidence.includes("attestation") ? `rekey attest ${secretName} ${name}` : undefined;
      await order.bus.publish({
        type: "ConsumerTask",
        secretArn,
        detail: {
          ...{ consumer: name, environment, owner, versionId, rotationId },
          task: `switch ${name} in ${environment} to the current version of ${secretName}`,
          deadline: isoOf(deadlineAtMs),
          afterwards: attest ?? `${evidence.join(" and ")} evidence shows it`,
        },
      });
      return { started: `task for ${owner}`, detail: `${owner} has until ${isoOf(deadlineAtMs)}` };
    }),
};

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}
