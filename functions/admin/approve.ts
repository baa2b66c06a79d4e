import * as z from "zod";
import { type AdminCommand, adminCommand } from "./command.ts";
import { secretText } from "./inputs.ts";
import { approveOrder, listWaiting } from "./two-people/approve-order.ts";
import { approveStep } from "./two-people/approve-step.ts";

/**
 * A second person approves an order, or a step of a rotation. The first call shows what it is and starts the time
 * within which the second call has to confirm the digest of it. Without a name, it lists the orders that wait.
 */
export function approveOf(commandOf: (name: string) => AdminCommand | undefined): AdminCommand {
  return adminCommand({
    input: z.strictObject({
      command: z.literal("approve"),
      /** An order, or a rotation. */
      order: z
        .string()
        .regex(/^[\w-]{1,80}$/)
        .optional(),
      digest: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .optional(),
      /** Secrets that an earlier call for the same order has handled. */
      reached: z.array(secretText).max(reachedMax).default([]),
    }),
    run: async ({ input, caller }, deps) => {
      const { order, digest, reached } = input;
      if (order === undefined) return listWaiting(caller, deps);
      const approval = { order, caller, reached, ...(digest !== undefined && { digest }) };
      return (await approveOrder(approval, { deps, commandOf })) ?? approveStep(approval, deps);
    },
  });
}

const reachedMax = 5_000;
